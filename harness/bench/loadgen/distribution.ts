/**
 * Latencies → a distribution as it is written down: percentiles as LoadGen takes them, sorted[floor(n p)], each with a 95 %
 * interval between two order statistics, which no shape of the distribution can break.
 */
import type { Distribution } from "../../../reports/records/bench/bench-record.ts";
import { incompleteBeta } from "../../statistics/incomplete-beta.ts";

/** results.cc */
export const percentiles = [0.5, 0.9, 0.95, 0.97, 0.99, 0.999] as const;

const outside = 0.025; // on each side of a 95 % interval

export function sorted(values: Iterable<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/** The percentile of at least one value; `rising`: the values, sorted. */
export function percentileOf(rising: Float64Array, percentile: number): number {
  return rising[Math.min(rising.length - 1, Math.floor(rising.length * percentile))]!;
}

/**
 * Ranks from 1 of the order statistics that enclose a percentile with at least 95 % confidence, 2.5 % on each side; null where
 * no value is far enough out. The number of values below the percentile is binomial.
 */
export function intervalRanks(
  count: number,
  percentile: number,
): { readonly low: number | null; readonly high: number | null } {
  /** P[ Bin(count, percentile) >= rank ] */
  const atLeast = (rank: number): number =>
    rank <= 0 ? 1 : rank > count ? 0 : incompleteBeta(rank, count - rank + 1, percentile);
  const low = largest(0, count, (rank) => 1 - atLeast(rank) <= outside);
  const high = 1 + largest(0, count, (rank) => atLeast(rank) > outside);
  return { low: low === 0 ? null : low, high: high > count ? null : high };
}

/** The largest whole number up to `high` for which `holds` is true; it is true from `low` up to that number. */
function largest(low: number, high: number, holds: (value: number) => boolean): number {
  let [from, to] = [low, high + 1];
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2);
    if (holds(middle)) from = middle;
    else to = middle;
  }
  return from;
}

/** The distribution; null for no values. */
export function distributionOf(values: Iterable<number>): Distribution | null {
  const rising = sorted(values);
  const count = rising.length;
  if (count === 0) return null;
  const quantiles = percentiles.map((percentile) => {
    const { low, high } = intervalRanks(count, percentile);
    const quantile = {
      value: percentileOf(rising, percentile),
      low: low === null ? null : rising[low - 1]!,
      high: high === null ? null : rising[high - 1]!,
    };
    return [percentileName(percentile), quantile] as const;
  });
  return {
    count,
    mean: rising.reduce((sum, value) => sum + value, 0) / count,
    min: rising[0]!,
    max: rising[count - 1]!,
    percentiles: Object.fromEntries(quantiles),
  };
}

/** 0.999 → "99.9" */
function percentileName(percentile: number): string {
  return String(Number((percentile * 100).toFixed(2)));
}

const bins = 60;

/** Counts in bins of equal width from the least to the greatest; null for no values. */
export function histogramOf(values: Iterable<number>): { edges: number[]; counts: number[] } | null {
  const rising = sorted(values);
  const [min, max] = [rising[0], rising.at(-1)];
  if (min === undefined || max === undefined) return null;
  const width = (max - min) / bins;
  if (width === 0) return { edges: [min, max], counts: [rising.length] };
  const counts = new Array<number>(bins).fill(0);
  for (const value of rising) counts[Math.min(bins - 1, Math.floor((value - min) / width))]! += 1;
  return { edges: Array.from({ length: bins + 1 }, (_, edge) => min + edge * width), counts };
}
