/** `report` from the command line: what it writes, and what it keeps apart. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { reportSchema } from "../../reports/report/report-data.ts";
import type { Report } from "../../reports/report/report-data.ts";
import { identityHash, parseRunRecord } from "../../reports/records/run-record.ts";
import { projectRoot } from "../support/project.ts";
import { fakeInProcess } from "../support/command-process.ts";
import { benchPoint, makeBench, makeRun } from "../support/report-folders.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

function readReport(folder: string): Report {
  return reportSchema.parse(JSON.parse(readFileSync(join(folder, "report.json"), "utf8")));
}

describe("report", () => {
  const folder = temporaryFolder();
  let [first, second] = ["", ""];
  const output = join(folder, "report");

  before(async () => {
    first = await makeRun(folder, "runs/first", "--limit", "40");
    second = await makeRun(folder, "runs/second", "--limit", "40", "--precision", "int8", "--batch-size", "4");
  });

  /** A report of the two runs and this one; gives why it stands apart. */
  const reasonApart = async (run: string): Promise<string> => {
    const other = join(folder, "another");
    const { code, err } = await fakeInProcess(
      folder,
      "report",
      first,
      second,
      run,
      "--samples",
      "0",
      "--output",
      other,
    );
    assert.equal(code, 0, err);
    const { runs, apart } = readReport(other);
    assert.deepEqual(
      runs.map((one) => one.folder),
      [first, second],
    );
    const [one] = apart;
    assert.equal(one?.folder, run);
    assert.match(err, /Shown apart: /);
    rmSync(run, { recursive: true });
    return one.reasons.join(" ");
  };
  const copyOf = (name: string): string => {
    const copy = join(folder, name);
    cpSync(first, copy, { recursive: true });
    return copy;
  };
  /** Changes a file of a copy, and forgets the hashes, as if it had been written so. */
  const rewrite = (run: string, name: string, change: (text: string) => string): void => {
    writeFileSync(join(run, name), change(readFileSync(join(run, name), "utf8")));
    rmSync(join(run, "SHA256SUMS"));
  };

  it("writes a page, Markdown, JSON, a table and a chart each", async () => {
    const { code, out, err } = await fakeInProcess(folder, "report", join(folder, "runs"), "--output", output);
    assert.equal(code, 0, err);
    assert.match(out, /report\/index\.html: 2 runs, 0 bench points\n$/);
    assert.deepEqual(readdirSync(output).sort(), ["charts", "index.html", "report.json", "report.md", "tables"]);
    const { runs, gallery } = readReport(output);
    assert.equal(runs[1]?.agreement?.compared, 40);
    assert.ok(runs.every(({ files }) => files.every(({ sha256, recorded }) => sha256 === recorded)));
    assert.equal(gallery.samples.length, 40);
    const differing = gallery.samples.filter(({ answers }) => new Set(answers.map(({ text }) => text)).size > 1).length;
    assert.equal(gallery.groups[0]?.differing, differing);
    assert.equal(runs[1].agreement.equal, 40 - differing);
    const charts = readdirSync(join(output, "charts"));
    assert.deepEqual(
      charts.sort(),
      ["distribution", "latency", "pareto", "score", "stages", "throughput"].map((name) => `${name}-vqav2-val.png`),
    );
    for (const chart of charts) {
      const bytes = readFileSync(join(output, "charts", chart));
      assert.equal(bytes.toString("latin1", 1, 4), "PNG");
      assert.ok(bytes.length > 8000, `${chart} is empty`);
    }
    const summary = readFileSync(join(output, "tables", "summary.csv"), "utf8");
    assert.match(summary, /^run,checkpoint,precision,task,.*,samples_per_second,/);
    assert.match(summary, /\nrun-2,fake,int8,vqav2,val,paper,accuracy,[\d.]+,/);
  });

  it("draws the same samples for the same seed, and says how many there are", async () => {
    const ids = async (seed: string): Promise<readonly string[]> => {
      await fakeInProcess(
        folder,
        "report",
        first,
        "--samples",
        "10",
        "--seed",
        seed,
        "--output",
        join(folder, "drawn"),
      );
      const { groups, samples } = readReport(join(folder, "drawn")).gallery;
      assert.deepEqual([groups[0]?.shown, groups[0]?.of], [10, 40]);
      return samples.map(({ id }) => id);
    };
    const once = await ids("1");
    assert.deepEqual(await ids("1"), once);
    assert.notDeepEqual(await ids("2"), once);
  });

  it("shows bench points, and those that are INVALID in the table only", async () => {
    const points = [
      benchPoint("one"),
      benchPoint("two", { precision: "int8" }),
      benchPoint("three", { precision: "int4", validity: "INVALID" }),
    ];
    const bench = makeBench(folder, points, ["one", "two", "three", "four"]);
    const { out } = await fakeInProcess(folder, "report", bench, "--output", join(folder, "points"));
    assert.match(out, /0 runs, 3 bench points/);
    const page = readFileSync(join(folder, "points", "index.html"), "utf8");
    assert.match(page, /3 of 4 points are measured/);
    assert.match(page, /Not a quiet machine: load 3/);
    assert.ok(existsSync(join(folder, "points", "charts", "bench-1-offline-pareto.png")));
    assert.match(page, /Governor not told, load 0.1\d* before the first point, other processes not measured\./);
    assert.match(page, /Energy: not measured\./);
    assert.match(page, /<td[^>]*>vision<\/td>[^]*?12\.0 \(11\.4 to 12\.6\)/); // p50 with its interval
    const stages = readFileSync(join(folder, "points", "tables", "bench-1-stages.csv"), "utf8").split("\n");
    assert.equal(stages[0], "point,stage,samples,mean_ms,p50_ms,p90_ms,p95_ms,p99_ms");
    assert.equal(stages[1], "one,vision,100,12,12,18,21.6,30");
    assert.match(stages[3]!, /^one,time to first token,100,5,5,7.5,9,12.5$/);
    assert.match(page, /<title>fake int8: /);
    assert.doesNotMatch(page, /<title>fake int4: /);
  });

  it("keeps apart a run that was interrupted, or is partial", async () => {
    const run = copyOf("stopped");
    rewrite(run, "run.json", (text) => text.replace('"complete"', '"interrupted"'));
    assert.match(await reasonApart(run), /^It was interrupted\. Go on with the run\.$/);
    const partial = copyOf("partial");
    rewrite(partial, "run.json", (text) =>
      text.replace('"complete"', '"partial"').replace('"predicted": 40', '"predicted": 39'),
    );
    assert.match(await reasonApart(partial), /It is partial: 1 of 40 samples have no prediction/);
  });

  it("keeps apart a run without scores, of another version, or that is no JSON", async () => {
    const unscored = copyOf("unscored");
    rmSync(join(unscored, "scores.json"));
    assert.match(await reasonApart(unscored), /no scores\.json in it, so it is not finished/);
    const old = copyOf("old");
    rewrite(old, "run.json", (text) => text.replace("blip2-bench-run/1", "blip2-bench-run/0"));
    assert.match(await reasonApart(old), /format "blip2-bench-run\/0", expected "blip2-bench-run\/1"/);
    const broken = copyOf("broken");
    rewrite(broken, "run.json", () => "{");
    assert.match(await reasonApart(broken), /not JSON/);
  });

  it("keeps apart a run of which a file was edited by hand", async () => {
    const predictions = copyOf("predictions");
    const path = join(predictions, "predictions.jsonl");
    writeFileSync(path, readFileSync(path, "utf8").replace(/"text":"[^"]*"/, '"text":"better"'));
    assert.match(
      await reasonApart(predictions),
      /^predictions\.jsonl is not as it was written: found SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}/,
    );
    const scores = copyOf("scores");
    appendFileSync(join(scores, "scores.json"), "\n");
    assert.match(await reasonApart(scores), /^scores\.json is not as it was written/);
    const config = copyOf("config");
    rewrite(config, "run.json", (text) => text.replace('"batchSize": 8', '"batchSize": 16'));
    assert.match(await reasonApart(config), /^run\.json is not as it was written: its identity is/);
    const lines = copyOf("lines");
    rewrite(lines, "predictions.jsonl", (text) => text.slice(text.indexOf("\n") + 1));
    assert.match(
      await reasonApart(lines),
      /predictions\.jsonl has 39 predictions and 0 failed samples, run\.json says 40 and 0/,
    );
    const line = copyOf("line");
    rewrite(line, "predictions.jsonl", (text) => text.replace("{", "["));
    assert.match(await reasonApart(line), /predictions\.jsonl, line 1: not a prediction/);
  });

  it("keeps apart a run that was asked other data than most", async () => {
    const run = copyOf("elsewhere");
    rewrite(run, "run.json", (text) => {
      const record = parseRunRecord(text, "run.json");
      const data = { ...record.data, files: record.data.files.map((file) => ({ ...file, sha256: "0".repeat(64) })) };
      return JSON.stringify({ ...record, data, identity: identityHash({ ...record, data }) });
    });
    assert.match(
      await reasonApart(run),
      /^It was asked another vqav2 val than .*first: found .* 000000000000, .*expected /,
    );
  });

  it("takes a run without hashes, and says that it cannot be checked", async () => {
    const run = copyOf("earlier");
    rmSync(join(run, "SHA256SUMS"));
    await fakeInProcess(folder, "report", run, "--output", join(folder, "unchecked"));
    assert.ok(readReport(join(folder, "unchecked")).runs[0]?.files.every(({ recorded }) => recorded === null));
    assert.match(readFileSync(join(folder, "unchecked", "index.html"), "utf8"), /no hash was recorded/);
    rmSync(run, { recursive: true });
  });

  it("shows samples without questions where the data set is not there", async () => {
    const { code } = await fakeInProcess(folder, "report", first, "--data", folder, "--output", join(folder, "blind"));
    assert.equal(code, 0);
    const { groups, samples } = readReport(join(folder, "blind")).gallery;
    assert.match(groups[0]?.notes.join() ?? "", /^Without questions, references and images: /);
    assert.equal(samples[0]?.question, null);
    assert.notEqual(samples[0].answers[0]?.text, "");
  });

  it("refuses to report on nothing", async () => {
    const none = await fakeInProcess(folder, "report");
    assert.deepEqual(
      [none.code, none.err],
      [2, "error: report: found no folder, expected run or bench folders, such as runs/* bench/*.\n"],
    );
    mkdirSync(join(folder, "empty"));
    const empty = await fakeInProcess(folder, "report", "empty", "--output", join(folder, "no"));
    assert.equal(empty.code, 2);
    assert.match(
      empty.err,
      /empty: found no run\.json and no bench\.json in it or below it, expected folders that `run` or `bench` has written/,
    );
    assert.ok(!existsSync(join(folder, "no")));
  });

  it("writes over a report, and never into a folder that holds anything else", async () => {
    const again = await fakeInProcess(folder, "report", first, "--samples", "0", "--output", output);
    assert.equal(again.code, 0, again.err);
    assert.equal(readReport(output).runs.length, 1);
    assert.ok(!readdirSync(join(output, "charts")).includes("pareto-vqav2-val.png"));
    writeFileSync(join(output, "notes.txt"), "mine");
    const other = await fakeInProcess(folder, "report", first, "--output", output);
    assert.equal(other.code, 2);
    assert.match(other.err, /holds other things than a report, such as notes\.txt\. Give a new folder with --output\./);
  });

  it("tells what it wrote as JSON", async () => {
    const { out } = await fakeInProcess(
      folder,
      "report",
      first,
      "--samples",
      "0",
      "--json",
      "--output",
      join(folder, "json"),
    );
    const { format, page, apart } = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual([format, page, apart], ["blip2-bench-report-written/1", join(folder, "json", "index.html"), []]);
  });

  it("is what a run ends with, unless it is told not to", async () => {
    const { err } = await fakeInProcess(folder, "run", "-m", "fake", "--limit", "8", "--output", join(folder, "ends"));
    assert.match(err, /Report: .*ends\/report\/index\.html\n$/);
    assert.equal(readReport(join(folder, "ends", "report")).runs.length, 1);
    assert.ok(!readdirSync(first).includes("report"));
  });

  it("is described by the schemas in docs/schemas, which are up to date", async () => {
    const { schemaTexts } = await import("../../harness/scripts/schemas.ts");
    for (const [name, text] of schemaTexts()) {
      const there = readFileSync(join(projectRoot, "docs", "schemas", name), "utf8");
      assert.equal(there, text, `docs/schemas/${name} is out of date: run npm run schemas`);
    }
  });
});
