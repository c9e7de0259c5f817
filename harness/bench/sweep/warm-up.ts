/**
 * Queries before the clock counts, until they take no less time any more: caches fill, memory is laid out, the engine
 * compiles. They are reported and left out.
 */
import { median } from "../../statistics/medians.ts";
import { runQueries } from "../loadgen/issue.ts";
import type { IssueOptions } from "../loadgen/issue.ts";
import { latenciesNs } from "../loadgen/run-log.ts";
import type { RunEnd } from "../loadgen/run-log.ts";
import { defaultSettings } from "../loadgen/settings.ts";
import type { SystemUnderTest } from "../loadgen/system-under-test.ts";

export interface WarmUpLimits {
  readonly queries: number;
  readonly ms: number;
}

export interface WarmUp {
  readonly queries: number;
  readonly ms: number;
  readonly steady: boolean;
  /** Median latency of its last queries; null where none was answered. */
  readonly medianNs: number | null;
  /** What ended it before its time; null for nothing. */
  readonly end: RunEnd | null;
}

const window = 5; // queries whose median is compared
const tolerance = 0.05;

/** Whether the last queries took as long as those before them. Queries of more than a second are compared in fewer. */
export function isSteady(latencies: readonly number[]): boolean {
  const isSlow = (latencies.at(-1) ?? 0) > 1e9;
  const width = isSlow ? 2 : window;
  if (latencies.length < 2 * width) return false;
  const last = median(latencies.slice(-width));
  const before = median(latencies.slice(-2 * width, -width));
  return Math.abs(last - before) <= tolerance * before;
}

/** Queries of `size` samples, one after the other. */
export async function warmUp(
  sut: SystemUnderTest,
  size: number,
  { limits, ...options }: Omit<IssueOptions, "settings" | "onAnswers"> & { readonly limits: WarmUpLimits },
): Promise<WarmUp> {
  const { clock, samples } = options;
  const startNs = clock.nowNs();
  const latencies: number[] = [];
  const base = defaultSettings("multi-stream", samples);
  let end: RunEnd | null = null;
  let isOver = false;
  while (!isOver) {
    const seeds = { ...base.seeds, sampleIndex: BigInt(latencies.length) };
    const settings = { ...base, samplesPerQuery: size, seeds, minQueryCount: 1, minDurationMs: 0 };
    const log = await runQueries(sut, { ...options, settings });
    latencies.push(...latenciesNs(log));
    if (log.end.kind !== "complete") end = log.end;
    const isLong = latencies.length >= limits.queries || clock.nowNs() - startNs >= limits.ms * 1e6;
    isOver = end !== null || isLong || isSteady(latencies);
  }
  return {
    queries: latencies.length,
    ms: (clock.nowNs() - startNs) / 1e6,
    steady: isSteady(latencies),
    medianNs: latencies.length === 0 ? null : median(latencies.slice(-window)),
    end,
  };
}
