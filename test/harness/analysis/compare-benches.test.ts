/** `compare` on bench folders: ratios of medians over process restarts. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { compareBenches, readBench } from "../../../harness/analysis/compare/compare-benches.ts";
import type { BenchPoint } from "../../../reports/records/bench/bench-record.ts";
import { formatBenchComparison } from "../../../reports/findings/bench-comparison-table.ts";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { benchPoint, makeBench } from "../../support/report-folders.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

/** Restarts of so many samples a second; each answer takes the inverse. */
function restarts(...perSecond: readonly number[]): Pick<BenchPoint, "runs"> {
  return {
    runs: perSecond.map((samplesPerSecond) => ({
      validity: "VALID",
      invalidReasons: [],
      queries: 100,
      samples: 100,
      samplesPerSecond,
      medianLatencyNs: 1e9 / samplesPerSecond,
      percentileLatencyNs: null,
      loadMs: 500,
      peakMemoryBytes: null,
      startedAt: "2026-01-01T00:00:00Z",
      finishedAt: "2026-01-01T00:01:00Z",
    })),
  };
}

function made(name: string, ...points: readonly BenchPoint[]): string {
  mkdirSync(join(folder, name));
  return makeBench(join(folder, name), points);
}

describe("benches that are compared", () => {
  it("give the ratio of each measure with its interval over restarts, and what cannot be compared", async () => {
    const base = made("base", benchPoint("p", restarts(50, 51, 49, 50, 52)), benchPoint("only base"));
    const twice = made("twice", benchPoint("p", restarts(100, 102, 98, 100, 104)));
    const [one, other] = [await readBench(base), await readBench(twice)];
    assert.ok(one !== null && other !== null);
    const [compared] = compareBenches(one, [other]).comparisons;
    const [latency, throughput, load] = compared!.ratios;
    assert.deepEqual([latency?.measure, latency?.ratio, latency?.verdict], ["median latency", 0.5, "better"]);
    assert.deepEqual([throughput?.ratio, throughput?.verdict], [2, "better"]);
    assert.ok(throughput!.low! > 1.85 && throughput!.high! < 2.15);
    assert.deepEqual([load?.measure, load?.ratio, load?.verdict], ["load time", 1, "-"]);
    assert.deepEqual(compared!.apart, ["only base: the candidate has not measured it"]);
    const text = formatBenchComparison(compareBenches(one, [other]));
    assert.match(text, /p +samples a second +2\.000 +1\.\d+ to 2\.\d+ +5, 5 +better/);
  });

  it("keep a point apart whose precision meant something else when names were of another version", async () => {
    const int8 = { ...restarts(50, 51), precision: "int8" };
    const base = made("base", benchPoint("p", { ...int8, precisionNames: 1 }), benchPoint("q", restarts(50, 51)));
    const today = made("today", benchPoint("p", int8), benchPoint("q", restarts(50, 51)));
    const [one, other] = [await readBench(base), await readBench(today)];
    assert.ok(one !== null && other !== null);
    const [compared] = compareBenches(one, [other]).comparisons;
    assert.deepEqual(compared!.apart, ["p: another precision by the same name: int8,head=fp32 and int8"]);
    assert.ok(compared!.ratios.every(({ point }) => point === "q"));
  });

  it("say nothing of few restarts", async () => {
    const [base, same] = [
      made("base", benchPoint("p", restarts(50, 60))),
      made("same", benchPoint("p", restarts(10, 11))),
    ];
    const { code, out } = await inProcess(folder, "compare", base, same);
    assert.equal(code, 0);
    assert.match(out, /samples a second +0\.\d+ +too few restarts +2, 2 +-/);
  });

  it("are refused beside runs, and from another machine", async () => {
    const base = made("base", benchPoint("p", restarts(50)));
    mkdirSync(join(folder, "run"));
    assertFails(await inProcess(folder, "compare", base, join(folder, "run")), 2, /run holds no bench, the others do/);
    const one = await readBench(base);
    const other = { ...one!, record: { ...one!.record, machine: { ...one!.record.machine, cores: 64 } } };
    assert.throws(
      () => compareBenches(one!, [other]),
      /another machine .*found a processor, 64 cores, expected a processor, 2/,
    );
  });
});
