/**
 * The bootstrap over clusters: a score of a sample of clusters drawn with replacement, many times over. Efron and Tibshirani
 * 1993, "An Introduction to the Bootstrap", chapters 13 (percentile) and 14 (BCa).
 */
import { normalCdf, normalQuantile } from "./distributions.ts";
import { total } from "./paired-mean.ts";
import type { Interval } from "./paired-mean.ts";
import { drawKeys, randomIndex } from "./random.ts";

export interface BootstrapOptions {
  readonly draws: number;
  readonly seed: number;
}

export interface ResampledInterval {
  readonly percentile: Interval;
  readonly bca: Interval;
}

/** Both intervals of a score of sums over clusters, for each confidence. The draws are made once. */
export function resampledIntervals(
  { columns, score }: { readonly columns: readonly Float64Array[]; readonly score: (sums: Float64Array) => number },
  confidences: readonly number[],
  options: BootstrapOptions,
): readonly ResampledInterval[] {
  const sorted = bootstrapScores(columns, score, options);
  const withoutOne = leaveOneOut(columns, score);
  const value = score(Float64Array.from(columns, total));
  return confidences.map((confidence) => ({
    percentile: percentileInterval(sorted, confidence),
    bca: bcaInterval(sorted, { value, withoutOne, confidence }),
  }));
}

/**
 * The scores of the draws, in rising order.
 *
 * @param columns what a score is made of, one number a cluster each.
 * @param score from the sums of the columns over the clusters of a draw.
 */
export function bootstrapScores(
  columns: readonly Float64Array[],
  score: (sums: Float64Array) => number,
  { draws, seed }: BootstrapOptions,
): Float64Array {
  const clusters = columns[0]?.length ?? 0;
  const scores = new Float64Array(draws);
  const sums = new Float64Array(columns.length);
  const chosen = new Int32Array(clusters);
  for (let draw = 0; draw < draws; draw += 1) {
    const keys = drawKeys(seed, draw);
    for (let place = 0; place < clusters; place += 1) chosen[place] = randomIndex(keys, place, clusters);
    for (const [index, column] of columns.entries()) sums[index] = sumOf(column, chosen);
    scores[draw] = score(sums);
  }
  return scores.sort();
}

function sumOf(column: Float64Array, chosen: Int32Array): number {
  let sum = 0;
  for (let place = 0; place < chosen.length; place += 1) sum += column[chosen[place]!]!;
  return sum;
}

/** The score of all clusters but one, for each cluster. */
export function leaveOneOut(columns: readonly Float64Array[], score: (sums: Float64Array) => number): Float64Array {
  const clusters = columns[0]?.length ?? 0;
  const totals = columns.map(total);
  const sums = new Float64Array(columns.length);
  return Float64Array.from({ length: clusters }, (_, cluster) => {
    for (const [index, column] of columns.entries()) sums[index] = totals[index]! - column[cluster]!;
    return score(sums);
  });
}

/** sqrt((G - 1) / G * sum of squared distances from their mean); Efron and Stein 1981. null for one cluster. */
export function jackknifeError(withoutOne: Float64Array): number | null {
  const clusters = withoutOne.length;
  if (clusters < 2) return null;
  const { squares } = moments(withoutOne);
  return Math.sqrt(((clusters - 1) / clusters) * squares);
}

function moments(values: Float64Array): { squares: number; cubes: number } {
  const mean = total(values) / values.length;
  let squares = 0;
  let cubes = 0;
  for (const value of values) {
    const distance = mean - value;
    squares += distance * distance;
    cubes += distance * distance * distance;
  }
  return { squares, cubes };
}

export function percentileInterval(sorted: Float64Array, confidence: number): Interval {
  const tail = (1 - confidence) / 2;
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
}

/** Bias-corrected and accelerated: percentiles moved by where `value` lies among the draws and by the skew of the clusters. */
export function bcaInterval(
  sorted: Float64Array,
  { value, withoutOne, confidence }: { value: number; withoutOne: Float64Array; confidence: number },
): Interval {
  let below = 0;
  for (const score of sorted) below += score < value ? 1 : score === value ? 0.5 : 0;
  const { squares, cubes } = moments(withoutOne);
  const acceleration = squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
  const bias = normalQuantile(below / sorted.length);
  if (!Number.isFinite(bias)) return percentileInterval(sorted, confidence); // every draw on one side: nothing to correct by
  const end = (tail: number): number => {
    const z = bias + normalQuantile(tail);
    return quantile(sorted, normalCdf(bias + z / (1 - acceleration * z)));
  };
  return { low: end((1 - confidence) / 2), high: end((1 + confidence) / 2) };
}

/** Between the two nearest ranks, by share of the way: numpy's default, definition 7 of Hyndman and Fan 1996. */
export function quantile(sorted: Float64Array | readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const before = Math.floor(place);
  const low = sorted[before] ?? NaN;
  const high = sorted[before + 1] ?? low;
  return low + (place - before) * (high - low);
}
