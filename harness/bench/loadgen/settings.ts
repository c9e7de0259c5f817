/**
 * What a run of the load generator is told, with MLPerf LoadGen 6.0's names and defaults (test_settings.h, mlperf.conf). Ours
 * are marked. The results are "LoadGen-compatible"; they are no MLPerf results, which only MLCommons can name so.
 */
import type { Scenario } from "../../../reports/records/bench/bench-record.ts";

/**
 * Which samples performance queries ask: any, with replacement; all of them before any comes again (equal issue); each at most
 * once; or always one (`performance_issue_same`, for finding caches).
 */
export const sampleChoices = ["with-replacement", "equal-issue", "unique", "same"] as const;
export type SampleChoice = (typeof sampleChoices)[number];

export type TestMode = "PerformanceOnly" | "AccuracyOnly" | "FindPeakPerformance";

export interface LoadGenSettings {
  readonly scenario: Scenario;
  readonly mode: TestMode;
  readonly samplesPerQuery: number;
  /** 0.9 or 0.99. */
  readonly targetLatencyPercentile: number;
  /** Server: the bound of a query's latency. */
  readonly targetLatencyNs: number;
  /** Server: arrivals a second. Others: the rate that is expected, to size an offline query by. */
  readonly targetQps: number;
  readonly minDurationMs: number;
  /** 0 is none. */
  readonly maxDurationMs: number;
  /** Offline: of samples, in its one query. */
  readonly minQueryCount: number;
  /** 0 is none. */
  readonly maxQueryCount: number;
  readonly sampleChoice: SampleChoice;
  readonly seeds: Seeds;
}

/** 64 bits each. */
export interface Seeds {
  readonly qsl: bigint;
  readonly sampleIndex: bigint;
  readonly schedule: bigint;
}

/** mlperf.conf of LoadGen 6.0. */
export const defaultSeeds: Seeds = {
  qsl: 2085463073848966840n,
  sampleIndex: 2747215439041700203n,
  schedule: 16159082839903944936n,
};

const common = { mode: "PerformanceOnly", minDurationMs: 10_000, maxDurationMs: 0, maxQueryCount: 0 } as const;

/** Of an offline query: 24,576 samples, or the whole library where it is smaller. */
export const offlineSamples = 24_576;

/** `samples`: of the query sample library. */
export function defaultSettings(scenario: Scenario, samples: number): LoadGenSettings {
  const shared = { ...common, scenario, seeds: defaultSeeds, targetLatencyNs: 100e6, targetQps: 1 };
  const of = (percentile: number, minQueryCount: number, samplesPerQuery = 1): LoadGenSettings => ({
    ...shared,
    samplesPerQuery,
    targetLatencyPercentile: percentile,
    minQueryCount,
    sampleChoice: "equal-issue", // ours, as every LLM and VLM benchmark sets it: their samples differ in length
  });
  switch (scenario) {
    case "single-stream":
      return of(0.9, 100);
    case "multi-stream":
      return of(0.99, 662, 8);
    case "server":
      return of(0.99, 662); // ours: the code's 100 are too few for the statistic, which needs 459, and 662 for one late query
    case "offline":
      return of(0.99, Math.min(offlineSamples, samples));
  }
}

/** By LoadGen's names, as they are in its log behind "effective_" and in point.json. */
export function settingsRecord(settings: LoadGenSettings): Readonly<Record<string, string | number | boolean>> {
  const { seeds, scenario, sampleChoice, targetLatencyPercentile } = settings;
  const name = loadGenName(scenario).toLowerCase();
  return {
    scenario: loadGenName(scenario),
    test_mode: settings.mode,
    samples_per_query: settings.samplesPerQuery,
    [`${scenario === "offline" ? "" : `${snake(scenario)}_`}target_latency_percentile`]: targetLatencyPercentile,
    ...(scenario === "server" && { target_qps: settings.targetQps, target_latency_ns: settings.targetLatencyNs }),
    ...(scenario === "offline" && { offline_expected_qps: settings.targetQps }),
    min_duration_ms: settings.minDurationMs,
    max_duration_ms: settings.maxDurationMs,
    min_query_count: name === "offline" ? 1 : settings.minQueryCount,
    max_query_count: settings.maxQueryCount,
    ...(scenario === "offline" && { min_sample_count: settings.minQueryCount }),
    qsl_rng_seed: String(seeds.qsl),
    sample_index_rng_seed: String(seeds.sampleIndex),
    schedule_rng_seed: String(seeds.schedule),
    accuracy_log_rng_seed: "0",
    accuracy_log_probability: 0,
    performance_issue_unique: sampleChoice === "unique",
    performance_issue_same: sampleChoice === "same",
    sample_concatenate_permutation: sampleChoice === "equal-issue",
    server_coalesce_queries: false,
    server_max_async_queries: 0,
  };
}

/** SingleStream, MultiStream, Server, Offline. */
export function loadGenName(scenario: Scenario): string {
  return scenario
    .split("-")
    .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
    .join("");
}

function snake(scenario: Scenario): string {
  return scenario.replaceAll("-", "_");
}
