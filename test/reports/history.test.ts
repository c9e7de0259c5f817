/** `blip2-bench history`: lines added once, lanes, where a level changes, charts. */
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { changePoints } from "../../harness/statistics/change-points.ts";
import { drawKeys, randomNormal } from "../../harness/statistics/random.ts";
import { historyFormat, readHistory } from "../../reports/records/findings/history.ts";
import type { HistoryLine } from "../../reports/records/findings/history.ts";
import { assertFails } from "../support/command-process.ts";
import { answers, command, madeRun, newPath } from "../support/gated-runs.ts";

function noise(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, place) => randomNormal(drawKeys(seed, 1), place));
}

function line(place: number, { accuracy = 0.5, computeMs = 2, machine = "a machine" } = {}): HistoryLine {
  return {
    format: historyFormat,
    startedAt: new Date(Date.UTC(2024, 0, 1 + place)).toISOString(),
    commit: `${String(place).padStart(2, "0")}abcdef0123456789`,
    dirty: false,
    version: "1.0.0",
    identity: "cafe",
    machine,
    checkpoint: "tiny",
    task: "vqav2",
    split: "val",
    protocol: "paper",
    precision: "fp32",
    samples: 100,
    computeMs,
    peakMemoryBytes: 5e8,
    metrics: { accuracy: { value: accuracy, standardError: 0.01 } },
  };
}

function historyOf(lines: readonly HistoryLine[]): string {
  const file = newPath("history.jsonl");
  writeFileSync(file, lines.map((one) => `${JSON.stringify(one)}\n`).join(""));
  return file;
}

describe("change points", () => {
  it("are found where a step is, with the medians beside it", () => {
    const values = noise(40, 1).map((value, place) => value + (place >= 23 ? 4 : 0));
    const [change, ...more] = changePoints(values);
    assert.equal(more.length, 0);
    assert.equal(change?.place, 23);
    assert.ok(change.after - change.before > 3 && change.pValue <= 0.001);
  });

  it("are found one after the other", () => {
    const values = noise(60, 2).map((value, place) => value + (place >= 40 ? 0 : place >= 20 ? 6 : 0));
    assert.deepEqual(
      changePoints(values).map(({ place }) => place),
      [20, 40],
    );
  });

  it("are seldom found in noise: 1 % of series", () => {
    const series = 200;
    const found = Array.from({ length: series }, (_, seed) => changePoints(noise(20, 100 + seed))).filter(
      ({ length }) => length > 0,
    ).length;
    assert.ok(found <= 7, `${found} of ${series}`); // 2 expected; 8 or more by chance once in 900
  });

  it("are no outlier, no series that stays the same, and none of fewer than ten", () => {
    assert.deepEqual(changePoints([1, 2, 1, 2, 1, 99, 2, 1, 2, 1, 2, 1]), []);
    assert.deepEqual(changePoints(new Array<number>(30).fill(3)), []);
    assert.deepEqual(changePoints([0, 0, 0, 0, 1, 1, 1, 1, 1]), []);
  });
});

describe("history", () => {
  it("adds a run once, at the end", async () => {
    const file = newPath("history.jsonl");
    const run = madeRun({ samples: answers(20) });
    assert.match((await command("history", "add", run, "--file", file)).out, /1 runs added\./);
    assert.match((await command("history", "add", run, "--file", file)).out, /0 runs added, 1 were in it already\./);
    const other = madeRun({ samples: answers(20), task: "gqa" });
    const record = join(other, "run.json");
    writeFileSync(record, readFileSync(record, "utf8").replace('"cafe"', '"f00d"'));
    const before = readFileSync(file, "utf8");
    await command("history", "add", other, "--file", file);
    assert.ok(readFileSync(file, "utf8").startsWith(before));
    assert.deepEqual(
      (await readHistory(file)).map(({ task }) => task),
      ["vqav2", "gqa"],
    );
  });

  it("shows a lane for each class of machine, and where a level changes", async () => {
    const lines = Array.from({ length: 24 }, (_, place) => [
      line(place, { accuracy: 0.5 + 0.0001 * (place % 3), computeMs: (place >= 12 ? 3 : 2) + 0.01 * (place % 5) }),
      line(place, { machine: "another" }),
    ]).flat();
    const { out, code } = await command("history", "show", "--file", historyOf(lines), "--last", "13");
    assert.equal(code, 0);
    assert.match(out, /^tiny vqav2 val, 100 samples\na machine\n\nstarted +commit +accuracy +ms a sample +MB$/m);
    assert.match(out, /^\* time rose from 2\.01 to 3\.02 ms a sample at 12abcdef \(Pettitt's test, p 0\.0002\)$/m);
    assert.match(out, /^2024-01-13 00:00 +12abcdef +50\.00 +\* 3\.02 +500\.00$/m);
    assert.equal(out.match(/^\* /gm)?.length, 1);
    assert.equal(out.match(/^2024/gm)?.length, 26);
    assert.match(out, /^another$/m);
  });

  it("plots a chart for each measure", async () => {
    const output = newPath("charts");
    const lines = Array.from({ length: 24 }, (_, place) => line(place, { computeMs: place >= 12 ? 3 : 2 }));
    const { out, code } = await command("history", "plot", "--file", historyOf(lines), "--output", output);
    assert.equal(code, 0);
    const files = out.trim().split("\n");
    const names = ["accuracy", "time", "memory"].map((name) => join(output, `tiny-vqav2-val-100-samples-${name}.png`));
    assert.deepEqual(files, names);
    for (const file of files) assert.equal(readFileSync(file).subarray(1, 4).toString(), "PNG");
  });

  it("refuses what it cannot use", async () => {
    const file = historyOf([line(0)]);
    assertFails(await command("history", "grow"), 2, /history grow: no such action\..*Actions: add, show, plot\./);
    assertFails(await command("history", "add"), 2, /history add: found no folder/);
    assertFails(await command("history", "show", "x"), 2, /history show: found "x"/);
    assertFails(await command("history", "show", "--file", file, "--last", "0"), 2, /--last: found "0"/);
    assertFails(await command("history", "show", "--file", newPath("none")), 2, /no history in it\. Add runs with/);
    const partial = madeRun({ samples: answers(19), failed: ["q19"] });
    assertFails(await command("history", "add", partial, "--file", file), 3, /a partial run has no scores to keep/);
    appendFileSync(file, "<<<<<<< HEAD\n");
    assertFails(await command("history", "show", "--file", file), 2, /line 2: not JSON\. Was a merge left half done\?/);
    const utf16 = newPath("utf16.jsonl");
    writeFileSync(utf16, Buffer.from("\uFEFF{}\n", "utf16le"));
    const message = `${utf16}: found UTF-16, expected UTF-8. Save it as UTF-8.`;
    assertFails(await command("history", "show", "--file", utf16), 2, message);
    const newer = historyOf([line(0)]);
    appendFileSync(newer, '{"format":"blip2-bench-history/2"}\n');
    assertFails(await command("history", "show", "--file", newer), 2, /line 2: "format": .*newer version\?/);
    const folder = newPath("folder");
    mkdirSync(folder);
    assertFails(await command("history", "show", "--file", folder), 2, /cannot be read/);
  });
});
