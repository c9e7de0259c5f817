/** Run folders for the tests of reports, made by the command with the fake model; and a bench folder, made up. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { benchFormat, pointFormat } from "../../reports/records/bench/bench-record.ts";
import type { BenchPoint, BenchRecord, Distribution } from "../../reports/records/bench/bench-record.ts";
import { fakeInProcess } from "./command-process.ts";

/** A run of the fake model, without a report. */
export async function makeRun(folder: string, name: string, ...words: string[]): Promise<string> {
  const output = join(folder, name);
  const { code, err } = await fakeInProcess(
    folder,
    "run",
    "-m",
    "fake",
    "--no-report",
    "-q",
    "--output",
    output,
    ...words,
  );
  assert.equal(code, 0, err);
  return output;
}

function distribution(middle: number): Distribution {
  const at = (factor: number): Distribution["percentiles"][string] => {
    return { value: middle * factor, low: middle * factor * 0.95, high: middle * factor * 1.05 };
  };
  return {
    count: 100,
    mean: middle,
    min: middle / 2,
    max: middle * 3,
    percentiles: { "50": at(1), "90": at(1.5), "95": at(1.8), "99": at(2.5) },
  };
}

export function benchPoint(name: string, change: Partial<BenchPoint> = {}): BenchPoint {
  return {
    format: pointFormat,
    name,
    precision: "fp32",
    precisionNames: 2,
    device: "cpu",
    scenario: "offline",
    batchSize: 8,
    threads: 2,
    checkpoint: { name: "fake", family: "opt", fingerprint: "of fake", source: "fake" },
    settings: {},
    validity: "VALID",
    invalidReasons: [],
    restarts: 3,
    runs: [],
    queries: 100,
    samples: 100,
    failed: 0,
    latencyNs: distribution(20e6),
    latencyHistogramNs: { edges: [0, 1e7, 1e8], counts: [10, 90] },
    earlyStoppingLatencyNs: 55e6,
    issueDelayNs: null,
    timeToFirstTokenNs: distribution(5e6),
    timePerOutputTokenNs: null,
    decodeStepNs: null,
    throughput: {
      samplesPerSecond: { value: 50, low: 45, high: 55 },
      imagesPerSecond: null,
      tokensPerSecond: null,
      pairsPerSecond: null,
    },
    peakQueriesPerSecond: null,
    stagesMs: { vision: distribution(12), decode: distribution(6) },
    loadMs: null,
    peakMemoryBytes: null,
    weightsBytes: 1_000_000,
    energyJoules: null,
    warmUp: { queries: 4, ms: 100, steady: true },
    accuracyCheck: { compared: 100, equal: 100 },
    accuracy: { metric: "accuracy", value: 0.5, standardError: 0.01, samples: 100 },
    timings: { startedAt: "2026-01-01T00:00:00Z", finishedAt: "2026-01-01T00:01:00Z" },
    ...change,
  };
}

/** `planned`: names of the points, those that are missing included. */
export function makeBench(
  folder: string,
  points: readonly BenchPoint[],
  planned = points.map(({ name }) => name),
): string {
  const path = join(folder, "bench");
  const record: BenchRecord = {
    format: benchFormat,
    status: "complete",
    plan: {},
    quick: true,
    task: "vqav2",
    points: planned,
    data: { dataset: "vqav2", split: "val", files: [], samples: 100 },
    code: { version: "0.1.0", commit: null, dirty: null, fingerprint: "none" },
    packages: {},
    machine: {
      model: "a processor",
      cores: 2,
      memoryBytes: 1e9,
      platform: "linux",
      node: "v20",
      governor: null,
      load: 0.1,
      neighbours: null,
      warnings: ["load 3 before the first point"],
    },
    timings: { startedAt: "2026-01-01T00:00:00Z", finishedAt: null },
  };
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "bench.json"), JSON.stringify(record));
  for (const point of points) {
    mkdirSync(join(path, "points", point.name), { recursive: true });
    writeFileSync(join(path, "points", point.name, "point.json"), JSON.stringify(point));
  }
  return path;
}
