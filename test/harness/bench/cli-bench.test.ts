/** `bench` as a user runs it: with the fake model in a process of its own, and once with a bundled checkpoint. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseBenchPoint, parseBenchRecord } from "../../../reports/records/bench/bench-record.ts";
import type { BenchPoint } from "../../../reports/records/bench/bench-record.ts";
import {
  assertFails,
  blip2,
  environment,
  fakeBenchCommand,
  inProcess,
  runProcess,
  startProcess,
  until,
} from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { firstProcessor, isTasksetThere } from "../../support/one-processor.ts";
import { hangMs } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const command = fakeBenchCommand;
const short = ["bench", "--quick", "--output", "b", "--limit", "8", "--min-duration", "50ms", "--threads", "1"];

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

function bench(words: readonly string[], env: Readonly<Record<string, string>> = {}): Ended {
  return runProcess(folder, { command, words: [...short, ...words], env });
}

function point(name: string): BenchPoint {
  const file = join(folder, "b", "points", name, "point.json");
  return parseBenchPoint(readFileSync(file, "utf8"), file);
}

const single = "fp32-b1-t1-single-stream";

describe("bench", () => {
  it("measures each checkpoint in turn, restart by restart, and writes points, logs and a table", () => {
    const { code, out, err } = bench(["--models", "fake,fake-two", "--scenarios", "single-stream,offline", "--trace"]);
    assert.equal(code, 0, err);
    const order = [...err.matchAll(/^(\S+), run (\d) of 2/gm)].map(([, name, run]) => `${name ?? ""} ${run ?? ""}`);
    const names = ["fake", "fake-two"].flatMap((name) => [`${name}-${single}`, `${name}-fp32-b8-t1-offline`]);
    assert.deepEqual(
      order,
      ["1", "2"].flatMap((run) => names.map((name) => `${name} ${run}`)),
    );
    const record = parseBenchRecord(readFileSync(join(folder, "b", "bench.json"), "utf8"), "bench.json");
    assert.deepEqual([record.status, record.quick, record.points], ["complete", true, names]);
    const measured = point(`fake-${single}`);
    assert.equal(measured.validity, "VALID", measured.invalidReasons.join());
    assert.equal(measured.runs.length, 2);
    assert.equal(measured.accuracyCheck?.equal, measured.queries);
    assert.equal(measured.accuracy?.samples, 8);
    assert.ok(measured.latencyNs!.min >= 1e6, "the model takes a millisecond");
    assert.ok(measured.peakMemoryBytes! > 0 && measured.loadMs!.value > 0);
    const trace = readFileSync(join(folder, "b", "points", `fake-${single}`, "run-1", "mlperf_log_trace.json"), "utf8");
    const { traceEvents } = JSON.parse(trace) as { traceEvents: { name: string; ph: string }[] };
    const queries = traceEvents.filter(({ name, ph }) => name === "query" && ph === "b").length;
    assert.equal(queries, measured.runs[0]!.queries);
    assert.equal(traceEvents.filter(({ name }) => name === "batch").length, queries);
    for (const log of ["summary.txt", "detail.txt", "accuracy.json", "trace.json"]) {
      assert.ok(existsSync(join(folder, "b", "points", `fake-${single}`, "run-2", `mlperf_log_${log}`)));
    }
    assert.match(out, /^fake-two +fp32 +single-stream +1 +1 .* VALID$/m);
    assert.match(out, /LoadGen-compatible/);
    assert.match(out, measured.energyJoules === null ? /^Energy: not measured\.$/m : / J +score/);
    assert.match(out, /A quick run: below LoadGen's minimum durations/);
    assert.doesNotMatch(out + err, /MLPerf result/i);
  });

  it("keeps what was measured: points that are there are not measured again, others may be added", () => {
    assert.equal(bench(["--models", "fake", "--scenarios", "single-stream"]).code, 0);
    const file = join(folder, "b", "points", `fake-${single}`, "point.json");
    const before = readFileSync(file, "utf8");
    const again = bench(["--models", "fake,fake-two", "--scenarios", "single-stream", "--json"]);
    assert.equal(again.code, 0, again.err);
    assert.equal(readFileSync(file, "utf8"), before);
    assert.doesNotMatch(again.err, /^fake-fp32/m);
    const { format, points } = JSON.parse(again.out) as { format: string; points: unknown[] };
    assert.deepEqual([format, points.length], ["blip2-bench-bench-result/1", 2]);
  });

  it("goes on with the runs that are missing when it was stopped by Ctrl-C, which exits with 130", async () => {
    const words = [
      ...short,
      "--models",
      "fake",
      "--scenarios",
      "single-stream",
      "--min-duration",
      "1s",
      "--no-accuracy",
    ];
    const child = startProcess(folder, { command, words });
    const run = join(folder, "b", "points", `fake-${single}`, "run-1.json");
    await until(() => existsSync(run), child);
    child.kill("SIGINT");
    const [code] = (await once(child, "exit")) as [number];
    assert.equal(code, 130);
    const kept = readFileSync(run, "utf8");
    assert.equal(parseBenchRecord(readFileSync(join(folder, "b", "bench.json"), "utf8"), "").status, "interrupted");
    const again = runProcess(folder, { command, words });
    assert.equal(again.code, 0, again.err);
    assert.doesNotMatch(again.err, /run 1 of 2/);
    const { summary } = JSON.parse(kept) as { summary: BenchPoint["runs"][number] };
    assert.deepEqual(point(`fake-${single}`).runs[0], summary);
    assert.equal(point(`fake-${single}`).accuracy, null);
  });

  for (const [how, reason] of [
    ["crash", /its process \(bench, pid \d+\) was ended by SIGKILL while asked for answers to 1 requests/],
    ["stall", /the model gave no answer for 2 s and was ended/],
    ["heavy", /was ended by SIGKILL while asked for the model in fake/],
  ] as const) {
    it(`a model that does ${how} makes its point INVALID with the reason; the others go on`, () => {
      const words = ["--models", "fake,fake-two", "--scenarios", "single-stream", "--stall", "2s", "--no-accuracy"];
      const { code, out, err } = bench(words, { FAKE_BAD: "fake", FAKE_HOW: how });
      assert.equal(code, 3, err);
      assert.equal(point(`fake-${single}`).validity, "INVALID");
      assert.match(point(`fake-${single}`).invalidReasons.join(), reason);
      assert.equal(point(`fake-two-${single}`).validity, "VALID");
      assert.match(out, /fake-fp32-b1-t1-single-stream: INVALID/);
    });
  }

  it("a server that is asked for too much is INVALID", () => {
    const words = [
      "--models",
      "fake",
      "--scenarios",
      "server",
      "--no-accuracy",
      "--batch-sizes",
      "1",
      "--restarts",
      "1",
    ];
    const bound = ["--min-queries", "500", "--latency-bound", "60ms"];
    const over = bench([...words, ...bound, "--target-qps", "2000"], { FAKE_BATCH_MS: "3" });
    assert.equal(over.code, 0, over.err);
    const { validity, invalidReasons } = point("fake-fp32-b1-t1-server");
    assert.equal(validity, "INVALID");
    assert.match(invalidReasons.join(), /queries over the bound/);
  });

  it("finds the highest rate that holds, and measures there", () => {
    const words = ["--models", "fake", "--scenarios", "server", "--no-accuracy", "--batch-sizes", "1", "--find-peak"];
    const { code, err } = bench([
      ...words,
      "--min-queries",
      "500",
      "--target-qps",
      "400",
      "--restarts",
      "1",
      "--max-duration",
      "3s",
    ]);
    assert.equal(code, 0, err);
    const { peakQueriesPerSecond, settings } = point("fake-fp32-b1-t1-server");
    // A millisecond each: 1000 a second at the very most. On a busy machine less holds, or nothing.
    assert.match(err, /^fake-fp32-b1-t1-server: 400 queries a second (do not )?hold$/m);
    if (peakQueriesPerSecond === null) assert.match(err, /no rate was found that holds; measured at 400 queries/);
    else {
      assert.ok(peakQueriesPerSecond > 1 && peakQueriesPerSecond < 1000, String(peakQueriesPerSecond));
      assert.equal(settings["target_qps"], peakQueriesPerSecond);
    }
  });

  it("says how long a minimum would take that --max-duration does not allow", () => {
    const words = ["--models", "fake", "--scenarios", "single-stream", "--no-accuracy", "--restarts", "1"];
    assert.equal(bench([...words, "--min-queries", "100000", "--max-duration", "300ms"]).code, 0);
    assert.match(
      point(`fake-${single}`).invalidReasons[0]!,
      /too few queries: \d+, expected 100000; 100000 take about /,
    );
  });

  it("on a bundled checkpoint answers timed and untimed alike, and times every stage", () => {
    const words = [...short, "--models", "shapes-opt-small", "--restarts", "1", "--scenarios", "single-stream"];
    const { code, err } = blip2(folder, ...words);
    assert.equal(code, 0, err);
    const { stagesMs, accuracyCheck, timeToFirstTokenNs, timePerOutputTokenNs, weightsBytes } = point(
      `shapes-opt-small-${single}`,
    );
    const images = ["imageRead", "imageDecode", "imageResize", "imageWait"];
    const stages = ["queue", ...images, "vision", "qFormer", "projection", "tokenize", "prefix"];
    assert.deepEqual(Object.keys(stagesMs), [...stages, "prefill", "decode", "detokenize"]);
    // As TEST04 asks: nothing of an image is kept for the next query about it, so each sample has every stage.
    const counts = new Set(Object.values(stagesMs).map(({ count }) => count));
    assert.equal(counts.size, 1, [...counts].join());
    assert.ok(accuracyCheck!.compared >= 64);
    assert.equal(accuracyCheck!.equal, accuracyCheck!.compared);
    assert.ok(timeToFirstTokenNs !== null && timePerOutputTokenNs !== null && weightsBytes! > 1e5);
  });
});

describe("bench on one processor", () => {
  it("ends, in every scenario: the model is never kept from it; skipped where taskset is missing", function () {
    if (!isTasksetThere()) this.skip();
    const words = [...short, "--models", "fake", "--no-accuracy", "--restarts", "1"];
    const scenarios = ["--scenarios", "single-stream,multi-stream,offline,server", "--target-qps", "3000"]; // it waits 0.3 ms
    const { status, stderr } = spawnSync(
      "taskset",
      ["-c", firstProcessor(), process.execPath, command, ...words, ...scenarios],
      { cwd: folder, env: environment(folder), encoding: "utf8", timeout: hangMs },
    );
    assert.ok(status === 0 || status === 3, stderr); // 3: a run that is not VALID, as one may be on a machine that is busy
    const points = ["b1-t1-single-stream", "b8-t1-multi-stream", "b8-t1-offline", "b8-t1-server"];
    for (const name of points) assert.equal(point(`fake-fp32-${name}`).runs.length, 1);
  });
});

describe("bench, badly asked", () => {
  const fails = async (words: readonly string[], message: string | RegExp): Promise<void> => {
    assertFails(await inProcess(folder, "bench", ...words), 2, message);
  };

  it("names the flag, what was found and what is expected", async () => {
    await fails(
      ["--scenarios", "sever"],
      /--scenarios sever: no such scenario. Did you mean server\? Scenarios: single-stream/,
    );
    await fails(["--scenarios", "server"], /a rate that must be given. Add --target-qps <rate>, or --find-peak/);
    await fails(
      ["--scenarios", "server", "--find-peak", "--min-queries", "100"],
      /--min-queries: found 100, expected at least 459 with --find-peak: fewer cannot show that a 99th percentile holds/,
    );
    await fails(["--target-qps", "3"], /--target-qps: only the Server scenario has it. Add --scenarios server./);
    await fails(
      ["--scenarios", "server", "--target-qps", "0"],
      /--target-qps: found "0", expected queries a second, above 0./,
    );
    await fails(
      ["--min-duration", "1 day"],
      /--min-duration: found "1 day", expected a duration above 0, such as 80ms, 10s/,
    );
    await fails(["--min-duration", "20min"], /--min-duration: found 20 min, expected at most --max-duration, 10 min./);
    await fails(["--restarts", "0"], /--restarts: found "0", expected a whole number from 1./);
    await fails(["--batch-sizes", "1,x"], /--batch-sizes: found "x", expected a whole number from 1./);
    await fails(["--seed", "-1"], /--seed: found "-1", expected a whole number from 0 to 2\^64 - 1./);
    await fails(
      ["--sample-choice", "any"],
      /--sample-choice: found "any", expected with-replacement, equal-issue, unique or same\./,
    );
    await fails(["--precisions", ","], /--precision: found ",", expected a name/);
    await fails(
      ["--model", "shapes-itm"],
      /--model shapes-itm: for image-text retrieval, .* --tasks vqav2 is no task of it. Its tasks: flickr30k-retr/,
    );
    await fails(
      ["--model", "shapes-opt-small", "--tasks", "coco-retrieval"],
      /shapes-opt-small: generates text, ranks nothing, and --tasks coco-retrieval is no task of it. Its tasks: vqav2, /,
    );
    await fails(["--rerank", "5"], /--rerank: vqav2 ranks nothing. Tasks that do: flickr30k-retrieval, coco-retr/);
    await fails(
      ["--rerank-by", "itg"],
      /--rerank-by: vqav2 ranks nothing. Tasks that do: flickr30k-retrieval, coco-retr/,
    );
    await fails(
      ["--model", "shapes-itm", "--tasks", "coco-retrieval", "--rerank-by", "itg"],
      /--rerank-by itg: shapes-itm: its Q-Former has no head to write with\. Make one with: npx blip2-bench convert/,
    );
    await fails(["--tasks", "coco-retrieval", "--rerank", "x"], /--rerank: found "x", expected a whole number from 0./);
    await fails(["--tasks", "vqav2,gqa"], /--tasks: found vqav2, gqa, expected one task/);
  });

  it("leaves a folder alone that holds something else, or points measured in another way", () => {
    folder = temporaryFolder({ "b/notes.txt": "mine" });
    assertFails(bench(["--models", "fake"]), 2, /not empty, and no bench folder: bench.json is missing/);
    rmSync(join(folder, "b"), { recursive: true });
    const words = ["--models", "fake", "--scenarios", "single-stream", "--no-accuracy", "--restarts", "1"];
    assert.equal(bench(words).code, 0);
    const other = bench([...words, "--seed", "7"]);
    assert.equal(other.code, 2);
    assert.match(
      other.err,
      /holds points measured in another way:\n(.*\n)* {2}single-stream schedule: found 16159082839903944936, expected 7/,
    );
    assert.match(other.err, /Give another folder with --output, or --overwrite/);
    assert.equal(bench([...words, "--seed", "7", "--overwrite"]).code, 0);
    writeFileSync(join(folder, "b", "points", `fake-${single}`, "point.json"), "{}");
    assertFails(bench([...words, "--seed", "7"]), 2, /point.json: no format, expected "blip2-bench-point\/1"/);
  });
});
