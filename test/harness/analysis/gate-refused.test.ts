/** What `gate` and `baseline` refuse, with what they say: read at someone's worst moment. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { assertFails } from "../../support/command-process.ts";
import type { MadeRun } from "../../support/compared-runs.ts";
import {
  accuracyConfig,
  answers,
  baselineOf,
  command,
  configFile,
  gateJson,
  madeRun,
  newPath,
} from "../../support/gated-runs.ts";

const samples = answers(20);

async function refusedConfig(config: unknown, message: RegExp): Promise<void> {
  const baseline = await baselineOf({ samples });
  const file = configFile(config);
  assertFails(await command("gate", madeRun({ samples }), "--baseline", baseline, "--config", file), 2, message);
}

async function refusedRun(candidate: MadeRun, message: RegExp): Promise<void> {
  const baseline = await baselineOf({ samples });
  const words = ["gate", madeRun(candidate), "--baseline", baseline, "--config", configFile()];
  assertFails(await command(...words), 2, message);
}

describe("gate refuses", () => {
  it("a margin that is negative, or missing, or no number", async () => {
    const withMargin = (margin: unknown): unknown => ({ ...accuracyConfig, metrics: [{ metric: "accuracy", margin }] });
    await refusedConfig(withMargin(-1), /"metrics\.0\.margin": found -1, expected points, 0 or more\./);
    await refusedConfig(
      withMargin(undefined),
      /"metrics\.0\.margin": missing, expected points that the candidate may be/,
    );
    await refusedConfig(withMargin("1"), /"metrics\.0\.margin": expected number, received string/);
  });

  it("a metric that does not exist, with those that do", async () => {
    const config = { ...accuracyConfig, metrics: [{ metric: "acuracy", margin: 1 }] };
    await refusedConfig(
      config,
      /"acuracy": no such metric\. Did you mean accuracy\? Metrics: accuracy, same answers\./,
    );
  });

  it("a config that judges nothing of a run", async () => {
    const config = { ...accuracyConfig, metrics: [{ metric: "accuracy", margin: 1, precision: "int4" }] };
    await refusedConfig(
      config,
      /no primary metric for tiny vqav2, so nothing would judge it\. Its metrics: accuracy\./,
    );
    await refusedConfig({ ...accuracyConfig, metrics: [] }, /"metrics"/);
  });

  it("a config that is not JSON, of another format, or with a word it does not know", async () => {
    await refusedConfig("{ margin", /not JSON: .* A config is such as \{ "format": "blip2-bench-gate\/1"/);
    await refusedConfig(
      { ...accuracyConfig, format: "blip2-bench-gate/2" },
      /"format": expected "blip2-bench-gate\/1"/,
    );
    await refusedConfig({ ...accuracyConfig, tolerance: 1 }, /Unrecognized key: "tolerance"/);
  });

  it("a baseline of other data, protocol or scorer, with what differs", async () => {
    await refusedRun(
      { samples, sha256: "bbbb" },
      /cannot be compared with .*\(tiny vqav2\):\n {2}questions\.json: found bbbb, expected aaaa/,
    );
    await refusedRun({ samples, protocol: "lavis" }, / {2}protocol: found lavis, expected paper/);
    await refusedRun({ samples, overrides: { beams: 1 } }, / {2}protocol's beams: found 1, expected none/);
    await refusedRun({ samples, scorer: "0ther" }, / {2}scorer: found 0ther, expected 5c0e\n.*--accept-scorer/);
    await refusedRun(
      { samples, task: "gqa" },
      /tiny gqa has no run to be held against in .*, which holds tiny vqav2\./,
    );
  });

  it("other samples", async () => {
    await refusedRun(
      { samples: answers(19) },
      /other samples than .*: lacks 1, has 0 that the baseline lacks \(the first is q19\)/,
    );
  });

  it("a file that is no baseline, or of a newer version, or broken", async () => {
    const candidate = madeRun({ samples });
    const config = configFile();
    const gate = (file: string): ReturnType<typeof command> =>
      command("gate", candidate, "--baseline", file, "--config", config);
    const file = newPath("odd.json");
    assertFails(await gate(file), 2, /no such file\. Make a baseline with/);
    writeFileSync(file, "[1");
    assertFails(await gate(file), 2, /odd\.json: not JSON/);
    writeFileSync(file, '{"format":"blip2-bench-baseline/2"}');
    assertFails(
      await gate(file),
      2,
      /"blip2-bench-baseline\/2", expected "blip2-bench-baseline\/1"\. It was written by a newer/,
    );
    writeFileSync(file, '{"format":"blip2-bench-run/1"}');
    assertFails(await gate(file), 2, /Give a file that `baseline` has written\./);
    writeFileSync(file, '{"format":"blip2-bench-baseline/1","entries":[]}');
    assertFails(await gate(file), 2, /"entries": .* Make it again with `baseline`\./);
  });

  it("flags that are missing or wrong", async () => {
    assertFails(await command("gate"), 2, /gate: found no folder/);
    assertFails(await command("gate", "a"), 2, /--baseline is missing/);
    for (const margin of ["accuracy", "=1", "accuracy=-1", "accuracy=", "accuracy=1,CIDEr=1"]) {
      const { code, err } = await command("gate", "a", "--baseline", "b", "--margin", margin);
      assert.equal(code, 2);
      assert.ok(err.includes(`--margin: found "${margin}", expected a metric and the points it may be worse by`), err);
    }
    const runs = [madeRun({ samples }), "--baseline", await baselineOf({ samples })];
    assertFails(
      await command("gate", ...runs, "--margin", "acuracy=1"),
      2,
      /--margin: "acuracy": no such metric\. Did you mean accuracy\? Metrics: accuracy, same answers\./,
    );
    const words = ["gate", "a", "--baseline", "b", "--config", "c", "--annotations"];
    assertFails(await command(...words, "jira"), 2, /--annotations: found "jira", expected github or gitlab\./);
    assertFails(await command(...words, "github", "--json"), 2, /--annotations github: .* Give one of them\./);
  });

  it("another scorer that scores the same answer otherwise, and takes one that does not", async () => {
    const baseline = await baselineOf({ samples });
    const words = ["--baseline", baseline, "--config", configFile(), "--accept-scorer"];
    const { code, result } = await gateJson(madeRun({ samples, scorer: "0ther" }), ...words);
    assert.equal(code, 0);
    assert.match(
      result.notes[0] ?? "",
      /scored by other code than .*: 20 samples have the same answer in both, and the same/,
    );
    const other = samples.map((one) => (one.id === "q7" ? { ...one, score: 0.9 } : one));
    const candidate = madeRun({ samples: other, scorer: "0ther" });
    assertFails(await command("gate", candidate, ...words), 2, /sample q7 has the same answer and another accuracy\./);
  });
});

describe("baseline refuses", () => {
  it("a partial run with 3, and runs it cannot tell apart", async () => {
    const file = newPath("baseline.json");
    const partial = madeRun({ samples: samples.slice(1), failed: ["q0"] });
    assertFails(
      await command("baseline", partial, "--output", file),
      3,
      /a partial run is no baseline:\n.*19 of 20 samples/,
    );
    const [one, other] = [madeRun({ samples }), madeRun({ samples })];
    assertFails(
      await command("baseline", one, other, "--output", file),
      2,
      /is tiny vqav2, as .* is\. Keep one of them\./,
    );
    assertFails(await command("baseline", one), 2, /--output is missing/);
    assertFails(await command("baseline"), 2, /found no folder/);
  });
});
