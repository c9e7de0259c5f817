/** The runs of a point → the point: latencies of all runs together, rates and sizes run by run. */
import { pointFormat } from "../../../reports/records/bench/bench-record.ts";
import type { BenchPoint, Distribution, Rate } from "../../../reports/records/bench/bench-record.ts";
import type { BenchAccuracy, BenchRun } from "../../../reports/records/bench/bench-run.ts";
import { distributionOf, histogramOf, sorted } from "../loadgen/distribution.ts";
import { estimatedEarlyStopping } from "../loadgen/early-stopping.ts";
import { defaultSettings } from "../loadgen/settings.ts";
import { describePrecision } from "../../../models/checkpoint/precision.ts";
import type { Point } from "./points.ts";
import { median } from "../../statistics/medians.ts";

export interface PointFacts {
  readonly point: Point;
  readonly checkpoint: BenchPoint["checkpoint"];
  readonly device: string;
  readonly weightsBytes: number | null;
  readonly accuracy: BenchAccuracy | null;
}

/** The point that these runs make; there is at least one, and they are in the order of their restarts. */
export function pointOf(
  runs: readonly BenchRun[],
  { point, checkpoint, device, weightsBytes, accuracy }: PointFacts,
): BenchPoint {
  const { scenario, system } = point;
  const first = runs[0]!;
  const together = (column: (run: BenchRun) => readonly number[]): number[] => runs.flatMap(column);
  const latencies = together(({ latencyNs }) => latencyNs);
  const reasons = runs.flatMap(({ summary, restart }) =>
    summary.invalidReasons.map((reason) => (runs.length === 1 ? reason : `run ${restart}: ${reason}`)),
  );
  const samplesPerSecond = rateOf(runs.map(({ summary }) => summary.samplesPerSecond));
  return {
    format: pointFormat,
    name: point.name,
    checkpoint,
    precision: describePrecision(system.precision),
    device,
    scenario,
    batchSize: system.batchSize,
    threads: system.threads,
    settings: first.settings,
    validity: runs.every(({ summary }) => summary.validity === "VALID") ? "VALID" : "INVALID",
    invalidReasons: reasons,
    isBroken: runs.some(({ isBroken }) => isBroken),
    restarts: runs.length,
    runs: runs.map(({ summary }) => summary),
    queries: sum(runs.map(({ summary }) => summary.queries)),
    samples: sum(runs.map(({ summary }) => summary.samples)),
    failed: sum(runs.map(({ failed }) => failed)),
    latencyNs: distributionOf(latencies),
    latencyHistogramNs: histogramOf(latencies),
    earlyStoppingLatencyNs: estimate(latencies, scenario),
    issueDelayNs: distributionOf(together(({ issueDelayNs }) => issueDelayNs)),
    timeToFirstTokenNs: distributionOf(together(({ firstTokenNs }) => firstTokenNs)),
    timePerOutputTokenNs: distributionOf(together(({ perTokenNs }) => perTokenNs)),
    decodeStepNs: distributionOf(together(({ decodeStepNs }) => decodeStepNs)),
    throughput: {
      samplesPerSecond,
      imagesPerSecond: samplesPerSecond, // each sample's image is read and encoded for it alone
      tokensPerSecond: rateOf(runs.map(({ tokensPerSecond }) => tokensPerSecond)),
      pairsPerSecond: rateOf(runs.map(({ pairsPerSecond }) => pairsPerSecond ?? null)),
    },
    peakQueriesPerSecond: highest(runs.map(({ peakQueriesPerSecond }) => peakQueriesPerSecond)),
    stagesMs: stagesOf(runs),
    galleryMs: rateOf(runs.map(({ galleryMs }) => galleryMs ?? null)),
    loadMs: rateOf(runs.map(({ summary }) => summary.loadMs)),
    peakMemoryBytes: highest(runs.map(({ summary }) => summary.peakMemoryBytes)),
    weightsBytes,
    energyJoules: runs.some(({ energyJoules }) => energyJoules === null)
      ? null
      : sum(runs.map(({ energyJoules }) => energyJoules ?? 0)),
    warmUp: {
      queries: sum(runs.map(({ warmUp }) => warmUp.queries)),
      ms: sum(runs.map(({ warmUp }) => warmUp.ms)),
      steady: runs.every(({ warmUp }) => warmUp.steady),
    },
    accuracyCheck: accuracy === null ? null : compareOutputs(runs, accuracy),
    accuracy: accuracy?.accuracy ?? null,
    timings: { startedAt: first.summary.startedAt, finishedAt: runs.at(-1)!.summary.finishedAt },
  };
}

/** Answers of the timed runs beside those of the accuracy run, text by text; a sample asked twice counts twice. */
export function compareOutputs(
  runs: readonly Pick<BenchRun, "outputs">[],
  accuracy: Pick<BenchAccuracy, "outputs">,
): { readonly compared: number; readonly equal: number } {
  const expected = new Map(accuracy.outputs);
  let compared = 0;
  let equal = 0;
  for (const { outputs } of runs) {
    for (const [index, text] of outputs) {
      if (!expected.has(index)) continue;
      compared += 1;
      if (expected.get(index) === text) equal += 1;
    }
  }
  return { compared, equal };
}

/** The median of the runs that have one, the lowest and the highest. */
export function rateOf(values: readonly (number | null)[]): Rate | null {
  const found = values.filter((value) => value !== null);
  if (found.length === 0) return null;
  if (found.length === 1) return { value: found[0]!, low: null, high: null };
  return { value: median(found), low: Math.min(...found), high: Math.max(...found) };
}

function estimate(latencies: readonly number[], scenario: BenchPoint["scenario"]): number | null {
  if (scenario !== "single-stream" && scenario !== "multi-stream") return null;
  const { targetLatencyPercentile } = defaultSettings(scenario, 1);
  return estimatedEarlyStopping(targetLatencyPercentile, sorted(latencies)).estimateNs;
}

function stagesOf(runs: readonly BenchRun[]): Record<string, Distribution> {
  const names = [...new Set(runs.flatMap(({ stagesMs }) => Object.keys(stagesMs)))];
  return Object.fromEntries(
    names.flatMap((name) => {
      const distribution = distributionOf(runs.flatMap(({ stagesMs }) => stagesMs[name] ?? []));
      return distribution === null ? [] : [[name, distribution] as const];
    }),
  );
}

function highest(values: readonly (number | null)[]): number | null {
  const found = values.filter((value) => value !== null);
  return found.length === 0 ? null : Math.max(...found);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
