/**
 * Times: percentiles of requests with intervals, and medians of two systems compared over restarts of the process. Requests
 * within one process are not independent (compiled code, clocks, memory layout), so the unit is a restart.
 */
import { binomialCdf } from "./distributions.ts";
import { quantile } from "./bootstrap.ts";
import type { Interval } from "./paired-mean.ts";

/** Of an even number of values the mean of the two in the middle; NaN for none. */
export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/**
 * An interval for a percentile from the order statistics alone, whatever the distribution: ranks that a binomial count of
 * values below the percentile falls between. David and Nagaraja 2003, section 7.1.
 *
 * @returns an end is infinite where the values are too few to bound the percentile on that side.
 */
export function percentileBounds(values: readonly number[], share: number, confidence = 0.95): Interval {
  const sorted = values.toSorted((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  let low = 0; // rank, from 1: the largest with P(count < low) <= tail
  while (low < sorted.length && binomialCdf(low, sorted.length, share) <= tail) low += 1;
  let high = sorted.length + 1; // the smallest with P(count >= high) <= tail
  while (high > 1 && 1 - binomialCdf(high - 2, sorted.length, share) <= tail) high -= 1;
  return { low: sorted[low - 1] ?? -Infinity, high: sorted[high - 1] ?? Infinity };
}

export interface Shift extends Interval {
  readonly shift: number;
}

/**
 * How far the values of one lie above those of another: the median of all pairs' differences, with the exact interval that
 * inverts the rank-sum test. Hodges and Lehmann 1963; Hollander and Wolfe 1999, section 4.3. With fewer than four values a side
 * nothing can be excluded at 95 %, and the interval is infinite.
 *
 * @throws RangeError where a side has no values.
 */
export function hodgesLehmann(base: readonly number[], candidate: readonly number[], confidence = 0.95): Shift {
  if (base.length === 0 || candidate.length === 0) {
    throw new RangeError(`medians: found ${base.length} and ${candidate.length} values, expected at least one each`);
  }
  const pairs = candidate.flatMap((one) => base.map((other) => one - other)).sort((a, b) => a - b);
  const cut = criticalRank(base.length, candidate.length, (1 - confidence) / 2);
  return {
    shift: quantile(pairs, 0.5),
    low: pairs[cut - 1] ?? -Infinity,
    high: cut === 0 ? Infinity : (pairs[pairs.length - cut] ?? Infinity),
  };
}

/** The largest k with P(U < k) <= tail, where U counts pairs in order if both sides are alike: Mann and Whitney 1947. */
function criticalRank(m: number, n: number, tail: number): number {
  // Orders of m and n values by their U, a value at a time: the coefficients of a Gaussian binomial.
  let ways = Float64Array.of(1);
  for (let i = 1; i <= n; i += 1) {
    const next = new Float64Array(m * i + 1);
    for (let u = 0; u < next.length; u += 1) {
      // Multiply by (1 - q^(m+i)) and divide by (1 - q^i).
      next[u] = (ways[u] ?? 0) - (u >= m + i ? (ways[u - m - i] ?? 0) : 0) + (u >= i ? next[u - i]! : 0);
    }
    ways = next;
  }
  let all = 0;
  for (const count of ways) all += count;
  let below = 0;
  let k = 0;
  while (k < ways.length && (below + ways[k]!) / all <= tail) below += ways[k++]!;
  return k;
}

export interface MedianRatio extends Interval {
  /** Median of the candidate's restarts over that of the base's. */
  readonly ratio: number;
}

/**
 * Latency or throughput of two systems: each number is the median of one process, all above 0. The interval is that of the
 * shift of logarithms, so it holds whether the noise is of the time or of its share.
 *
 * @throws RangeError for a number that is not above 0, or a side without one.
 */
export function ratioOfMedians(base: readonly number[], candidate: readonly number[], confidence = 0.95): MedianRatio {
  const wrong = [...base, ...candidate].find((value) => !(value > 0 && value < Infinity));
  if (wrong !== undefined) throw new RangeError(`medians: found ${wrong}, expected numbers above 0`);
  const { low, high } = hodgesLehmann(base.map(Math.log), candidate.map(Math.log), confidence);
  return { ratio: median(candidate) / median(base), low: Math.exp(low), high: Math.exp(high) };
}
