/**
 * BenchConfig: every choice of a sweep. What a user may give for each, and what it is where none is given, is in
 * harness/cli/options/load.ts.
 */
import type { Precision } from "../../../models/checkpoint/precision.ts";
import type { Scenario } from "../../../reports/records/bench/bench-record.ts";
import type { RerankBy } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { ProtocolName } from "../../../tasks/task.ts";
import type { DeviceRequest } from "../../catalog/device-request.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { formatDuration } from "../loadgen/duration.ts";
import { leastQueries } from "../loadgen/early-stopping.ts";
import { defaultSettings } from "../loadgen/settings.ts";
import type { LoadGenSettings, SampleChoice } from "../loadgen/settings.ts";

export interface BenchConfig {
  readonly models: readonly string[];
  readonly precisions: readonly Precision[];
  readonly scenarios: readonly Scenario[];
  readonly task: string;
  readonly batchSizes: readonly number[];
  readonly threads: readonly number[];
  readonly device: DeviceRequest;
  /** Processes a point is measured in, one after the other. */
  readonly restarts: number;
  readonly quick: boolean;
  /** Server: null until the peak is looked for. */
  readonly targetQps: number | null;
  readonly findPeak: boolean;
  readonly latencyBoundMs: number | null;
  readonly minDurationMs: number | null;
  readonly maxDurationMs: number;
  readonly minQueries: number | null;
  readonly seed: bigint | null;
  readonly sampleChoice: SampleChoice | null;
  /** Patience with a model that gives no answer. */
  readonly stallMs: number;
  /** Whether each run is also written as a trace. */
  readonly trace: boolean;
  /** Whether each sample is also asked once, untimed, and scored. */
  readonly accuracy: boolean;
  readonly output: string;
  readonly data: string | null;
  readonly images: string | null;
  /** Of own data: columns by role, and whether images may lie outside its folder. */
  readonly columns: Readonly<Record<string, string>>;
  readonly allowOutside: boolean;
  /** Width × height of an image, at most; null: the usual limit. */
  readonly maxPixels: number | null;
  readonly split: string | null;
  readonly protocol: ProtocolName;
  readonly limit: number | null;
  /** Retrieval: texts that are matched with an image; null: the protocol's. */
  readonly rerank: number | null;
  /** What puts them in order; null: matching. */
  readonly rerankBy: RerankBy | null;
  readonly cache: string;
  readonly overwrite: boolean;
}

/** Queries and samples of `--quick`: for daily use, marked wherever it is shown. */
const quickQueries: Readonly<Record<Scenario, number>> = {
  "single-stream": 64, // LoadGen's statistic needs 64 for a 90th percentile
  "multi-stream": 8,
  server: 459, // of a 99th percentile; with fewer no run is VALID, and no rate holds
  offline: 64,
};

/** Throws a UsageError that names the flags that do not go together, what was found and what is expected. */
export function checkBenchConfig(config: BenchConfig): void {
  const { scenarios: asked, targetQps, findPeak, latencyBoundMs, minDurationMs, maxDurationMs } = config;
  const hasServer = asked.includes("server");
  if (hasServer && targetQps === null && !findPeak) {
    throw new UsageError(
      "--scenarios server: queries arrive at a rate that must be given. " +
        "Add --target-qps <rate>, or --find-peak to look for the highest that holds.",
    );
  }
  const serverFlag = targetQps !== null ? "--target-qps" : findPeak ? "--find-peak" : "--latency-bound";
  if (!hasServer && (targetQps !== null || findPeak || latencyBoundMs !== null)) {
    throw new UsageError(`${serverFlag}: only the Server scenario has it. Add --scenarios server.`);
  }
  const least = leastQueries(0.99, 0); // of the Server scenario's percentile
  if (findPeak && config.minQueries !== null && config.minQueries < least) {
    throw new UsageError(
      `--min-queries: found ${config.minQueries}, expected at least ${least} with --find-peak: ` +
        "fewer cannot show that a 99th percentile holds.",
    );
  }
  if (minDurationMs !== null && minDurationMs > maxDurationMs) {
    const [least, most] = [formatDuration(minDurationMs), formatDuration(maxDurationMs)];
    throw new UsageError(`--min-duration: found ${least}, expected at most --max-duration, ${most}.`);
  }
}

/** `samples`: of the library. */
export function settingsOf(config: BenchConfig, scenario: Scenario, samples: number): LoadGenSettings {
  const defaults = defaultSettings(scenario, samples);
  const { seed, minQueries, quick } = config;
  const least = minQueries ?? (quick ? quickQueries[scenario] : defaults.minQueryCount);
  return {
    ...defaults,
    minQueryCount: scenario === "offline" && minQueries === null ? Math.min(least, samples) : least,
    minDurationMs: config.minDurationMs ?? defaults.minDurationMs,
    maxDurationMs: config.maxDurationMs,
    targetLatencyNs: config.latencyBoundMs === null ? defaults.targetLatencyNs : config.latencyBoundMs * 1e6,
    targetQps: config.targetQps ?? defaults.targetQps,
    sampleChoice: config.sampleChoice ?? defaults.sampleChoice,
    seeds: seed === null ? defaults.seeds : { qsl: seed, sampleIndex: seed, schedule: seed },
  };
}
