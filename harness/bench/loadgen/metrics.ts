/** The numbers of a run by LoadGen's names (results.cc); times are whole nanoseconds. */
import { percentileOf, percentiles, sorted } from "./distribution.ts";
import { latenciesNs, sampleLatenciesNs } from "./run-log.ts";
import type { RunLog } from "./run-log.ts";
import type { LoadGenSettings } from "./settings.ts";
import type { RunVerdict } from "./verdict.ts";

type MetricEntry = readonly [key: string, value: number];

export function metricsOf(log: RunLog, settings: LoadGenSettings, verdict: RunVerdict): readonly MetricEntry[] {
  const { scenario } = settings;
  const latencies = sorted(latenciesNs(log));
  const entries: MetricEntry[] = [["result_query_count", log.queries.length]];
  if (latencies.length === 0) return entries;
  if (scenario === "server") entries.push(["result_overlatency_query_count", verdict.overLatency]);
  const samples = sorted(sampleLatenciesNs(log));
  entries.push(...latencyEntries("latency_ns", samples));
  if (scenario === "multi-stream") entries.push(...latencyEntries("per_query_latency_ns", latencies));
  entries.push(...rates(log, settings, verdict));
  entries.push(...tokenEntries(log));
  return entries;
}

function latencyEntries(name: string, rising: Float64Array): readonly MetricEntry[] {
  if (rising.length === 0) return [];
  const mean = rising.reduce((sum, value) => sum + value, 0) / rising.length;
  return [
    [`result_min_${name}`, Math.round(rising[0]!)],
    [`result_max_${name}`, Math.round(rising.at(-1)!)],
    [`result_mean_${name}`, Math.round(mean)],
    ...percentiles.map((percentile): MetricEntry => {
      const label = (percentile * 100).toFixed(2);
      return [`result_${label}_percentile_${name}`, Math.round(percentileOf(rising, percentile))];
    }),
  ];
}

function rates(log: RunLog, { scenario }: LoadGenSettings, { earlyStopping }: RunVerdict): readonly MetricEntry[] {
  const { queries } = log;
  const last = queries.at(-1)!;
  const estimate = earlyStopping?.estimateNs ?? null;
  const perSecond = (count: number, nanoseconds: number): number => (nanoseconds > 0 ? (count * 1e9) / nanoseconds : 0);
  const meanNs = latenciesNs(log).reduce((sum, value) => sum + value, 0) / latenciesNs(log).length;
  switch (scenario) {
    case "single-stream":
      return [
        ...(estimate === null ? [] : [["early_stopping_latency_ss", Math.round(estimate)] as const]),
        ["result_qps_with_loadgen_overhead", perSecond(queries.length - 1, last.issuedNs)],
        ["result_qps_without_loadgen_overhead", perSecond(1, meanNs)],
      ];
    case "multi-stream":
      return estimate === null ? [] : [["early_stopping_latency_ms", Math.round(estimate)]];
    case "server":
      return [
        ["result_scheduled_samples_per_sec", perSecond(queries.length - 1, last.scheduledNs)],
        ["result_completed_samples_per_sec", samplesPerSecond(log, scenario) ?? 0],
      ];
    case "offline":
      return [["result_samples_per_second", samplesPerSecond(log, scenario) ?? 0]];
  }
}

/**
 * Throughput as LoadGen has it: Offline, samples over the longest latency; Server, all but the first over the time of the last
 * completion; the others, all over the time they took. null: nothing came to an end.
 */
export function samplesPerSecond({ queries }: RunLog, scenario: LoadGenSettings["scenario"]): number | null {
  let count = 0;
  let endNs = 0;
  for (const { samples } of queries) {
    for (const { completedNs } of samples) {
      if (completedNs === null) continue;
      count += 1;
      endNs = Math.max(endNs, completedNs);
    }
  }
  if (count === 0 || endNs === 0) return null;
  return ((scenario === "server" ? count - 1 : count) * 1e9) / endNs;
}

/** Nanoseconds of each sample that has tokens: to its first from the schedule, and between them in the mean. */
export function tokenTimes({ queries }: RunLog): {
  readonly firstNs: readonly number[];
  readonly perTokenNs: readonly number[];
  readonly stepsNs: readonly number[];
} {
  const firstNs: number[] = [];
  const perTokenNs: number[] = [];
  const stepsNs: number[] = [];
  for (const { scheduledNs, samples } of queries) {
    for (const { answer } of samples) {
      const times = answer?.timing.tokensNs ?? [];
      const [first] = times;
      if (first === undefined) continue;
      firstNs.push(first - scheduledNs);
      if (times.length > 1) perTokenNs.push((times.at(-1)! - first) / (times.length - 1));
      for (let token = 1; token < times.length; token += 1) stepsNs.push(times[token]! - times[token - 1]!);
    }
  }
  return { firstNs, perTokenNs, stepsNs };
}

function tokenEntries(log: RunLog): readonly MetricEntry[] {
  const { firstNs, perTokenNs } = tokenTimes(log);
  if (firstNs.length === 0) return [];
  const tokens = log.queries.reduce(
    (sum, { samples }) => sum + samples.reduce((own, { answer }) => own + (answer?.tokens ?? 0), 0),
    0,
  );
  const endNs = log.queries.reduce((latest, { completedNs }) => Math.max(latest, completedNs ?? 0), 0);
  return [
    ...latencyEntries("first_token_latency_ns", sorted(firstNs)).map(renamed("first_token", "latency_ns")),
    ...latencyEntries("time_per_output_token_ns", sorted(perTokenNs)).map(renamed("time_per_output_token", "ns")),
    ...(endNs > 0 ? [["result_tokens_per_second", (tokens * 1e9) / endNs] as const] : []),
  ];
}

/** result_90.00_percentile_first_token_latency_ns → result_first_token_90.00_percentile_latency_ns */
function renamed(subject: string, unit: string): (entry: MetricEntry) => MetricEntry {
  return ([key, value]) => [
    key.replace("result_", `result_${subject}_`).replace(`_${subject}_${unit}`, `_${unit}`),
    value,
  ];
}
