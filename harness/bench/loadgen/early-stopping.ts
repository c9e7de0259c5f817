/**
 * LoadGen's early-stopping statistic: how many queries show that a percentile of latency holds with 99 % confidence, given
 * how many were over it. early_stopping.cc; c = 0.99, d = 0. t: queries over the latency; p: the percentile.
 *
 *   h_min(t) = the least h with P[ Bin(h + t, 1 - p) <= t ] = I_p(h, t + 1) < 1 - c
 */
import { incompleteBeta } from "../../statistics/incomplete-beta.ts";

const confidence = 0.99;

/** The least number of queries within the latency beside `over` that are beyond it. */
export function leastWithin(percentile: number, over: number): number {
  const isEnough = (within: number): boolean => incompleteBeta(within, over + 1, percentile) < 1 - confidence;
  let high = 1;
  while (!isEnough(high)) high *= 2;
  let low = high / 2; // not enough, or 1/2
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The least number of queries in all, `over` of them beyond the latency. */
export function leastQueries(percentile: number, over: number): number {
  return leastWithin(percentile, over) + over;
}

export interface EarlyStopping {
  readonly met: boolean;
  /** LoadGen's early_stopping_result, in our words. */
  readonly result: string;
  /** Single and MultiStream: a latency that the percentile is not above, with 99 % confidence; null for too few queries. */
  readonly estimateNs: number | null;
  /** Queries that are still needed, at least. */
  readonly missing: number;
}

/** Server: whether few enough queries were over the bound. */
export function boundedEarlyStopping(percentile: number, queries: number, over: number): EarlyStopping {
  const needed = leastQueries(percentile, over);
  const missing = Math.max(0, needed - queries);
  const counts = `${over} of ${queries} queries over the bound`;
  return {
    met: missing === 0,
    result:
      missing === 0
        ? `met: ${counts}, ${needed} queries needed`
        : `not met: ${counts}, ${missing} more queries within it needed`,
    estimateNs: null,
    missing,
  };
}

/** Single and MultiStream. `sortedNs`: latencies of all queries, rising. */
export function estimatedEarlyStopping(percentile: number, sortedNs: Float64Array): EarlyStopping {
  const queries = sortedNs.length;
  const over = overAllowed(percentile, queries);
  if (over === null) {
    const missing = leastQueries(percentile, 1) - queries;
    return { met: false, result: `not met: ${missing} more queries needed`, estimateNs: null, missing };
  }
  const estimateNs = sortedNs[queries - over]!;
  return {
    met: true,
    result: `met: discarded the ${over - 1} highest of ${queries} latencies`,
    estimateNs,
    missing: 0,
  };
}

/** The largest t that this many queries allow, from 1 on; null where they do not allow that. */
export function overAllowed(percentile: number, queries: number): number | null {
  if (queries < leastQueries(percentile, 1)) return null;
  let low = 1;
  let high = queries; // never allowed: it would leave no query within
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (queries >= leastQueries(percentile, middle)) low = middle;
    else high = middle;
  }
  return low;
}
