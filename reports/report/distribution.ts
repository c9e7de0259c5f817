/** Summarises many times as a distribution: mean, extremes, percentiles, and a curve with few enough points to draw. */
import type { Distribution } from "../records/bench/bench-record.ts";

/** A growing list of numbers, eight bytes each; its memory grows by doubling. */
export class Values {
  #values = new Float64Array(1024);
  #count = 0;

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(2 * this.#count);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count] = value;
    this.#count += 1;
  }

  /** The numbers in ascending order. */
  sorted(): Float64Array {
    return this.#values.slice(0, this.#count).sort();
  }
}

const percentiles = [50, 90, 95, 99];

/**
 * The distribution of sorted values; null for none. Percentiles are nearest-rank, as in LoadGen. They have no interval,
 * since the samples of a batch share its times and are not independent.
 */
export function distributionOf(sorted: Float64Array): Distribution | null {
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) return null;
  const entries = percentiles.map((percentile) => {
    return [String(percentile), { value: nearestRank(sorted, percentile / 100), low: null, high: null }] as const;
  });
  const sum = sorted.reduce((total, value) => total + value, 0);
  return { count: sorted.length, mean: sum / sorted.length, min, max, percentiles: Object.fromEntries(entries) };
}

/** `sorted` holds at least one value. */
function nearestRank(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** A point of the curve: this share of the values is at most `value`. */
export interface CurvePoint {
  readonly value: number;
  readonly share: number;
}

const curvePoints = 60; // more points would not be visible at the size of the chart

/** The empirical distribution function at evenly spaced shares. */
export function curveOf(sorted: Float64Array): readonly CurvePoint[] {
  if (sorted.length === 0) return [];
  return Array.from({ length: curvePoints + 1 }, (_, index) => {
    const share = index / curvePoints;
    return { value: significant(nearestRank(sorted, share)), share: significant(share) };
  });
}

/** Rounds to four significant digits, which keeps the record readable. */
function significant(value: number): number {
  return Number(value.toPrecision(4));
}
