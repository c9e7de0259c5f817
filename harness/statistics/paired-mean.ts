/**
 * Two systems that answered one set of samples, compared by the mean of a score: difference, standard error, interval. Samples
 * come in clusters, such as the questions about one image. Miller 2024, arXiv 2411.00640, sections 2.2 and 4.
 *
 *   G clusters, n samples, d the differences candidate - base, D their mean, S_g = sum over cluster g of (d - D)
 *   standard error   sqrt(G / (G - 1) * sum of S_g ²) / n
 *   interval         D ± t × standard error, t Student's with G - 1 degrees; from too few clusters, by inverting the sign-flip
 *                    test: those means that it does not reject
 */
import { studentQuantile } from "./distributions.ts";
import { flipPValue, flipSigns } from "./sign-flip.ts";
import type { FlipOptions } from "./sign-flip.ts";

/** Sums, one a cluster in each column; the order of the clusters does not depend on that of the samples. */
export interface PairedSums {
  readonly counts: Float64Array;
  readonly base: Float64Array;
  readonly candidate: Float64Array;
  /** Of candidate - base, sample by sample: exactly 0 where no sample of the cluster differs. */
  readonly differences: Float64Array;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface MeanDifference {
  readonly clusters: number;
  readonly samples: number;
  readonly base: number;
  readonly candidate: number;
  readonly difference: number;
  /** null for one cluster. */
  readonly standardError: number | null;
}

/** From here on Student's t is trusted: below, the standard error of skewed sums is too uncertain. */
export const fewClusters = 30;

export function meanDifference(sums: PairedSums): MeanDifference {
  const clusters = sums.counts.length;
  const samples = total(sums.counts);
  const difference = total(sums.differences) / samples;
  let squares = 0;
  for (let cluster = 0; cluster < clusters; cluster += 1) {
    const residual = sums.differences[cluster]! - sums.counts[cluster]! * difference;
    squares += residual * residual;
  }
  return {
    clusters,
    samples,
    base: total(sums.base) / samples,
    candidate: total(sums.candidate) / samples,
    difference,
    standardError: clusters < 2 ? null : Math.sqrt((clusters / (clusters - 1)) * squares) / samples,
  };
}

/**
 * Intervals of the difference, one for each confidence asked for. Where no sample differs it is [0, 0]: the test rejects every
 * other mean. An end is infinite where the clusters are too few for any mean to be rejected.
 */
export function differenceIntervals(
  sums: PairedSums,
  confidences: readonly number[],
  options: FlipOptions,
): readonly Interval[] {
  const { clusters, difference, standardError } = meanDifference(sums);
  if (sums.differences.every((value) => value === 0)) return confidences.map(() => ({ low: 0, high: 0 }));
  if (standardError !== null && clusters >= fewClusters) {
    return confidences.map((confidence) => studentInterval(difference, standardError, { clusters, confidence }));
  }
  const isRejected = flipRejection(sums, options);
  return confidences.map((confidence) => {
    const end = (direction: -1 | 1): number =>
      lastAccepted(difference, direction * (standardError ?? 1), (mean) => isRejected(mean, 1 - confidence));
    return { low: end(-1), high: end(1) };
  });
}

export function studentInterval(
  value: number,
  standardError: number,
  { clusters, confidence }: { readonly clusters: number; readonly confidence: number },
): Interval {
  const margin = standardError === 0 ? 0 : studentQuantile((1 + confidence) / 2, clusters - 1) * standardError;
  return { low: value - margin, high: value + margin };
}

/** Whether the sign-flip test of differences less a mean rejects that mean. The sums by sign pattern are made once. */
function flipRejection(sums: PairedSums, options: FlipOptions): (mean: number, level: number) => boolean {
  const { differences, counts } = sums;
  const flips = flipSigns([differences, counts], options);
  const [flippedDifferences, flippedCounts] = flips.flipped;
  const [allDifferences, samples] = [total(differences), total(counts)];
  return (mean, level) => {
    let size = 0;
    for (const [cluster, value] of differences.entries()) size += Math.abs(value - mean * counts[cluster]!);
    const statistic = (draw: number): number =>
      allDifferences - mean * samples - 2 * (flippedDifferences![draw]! - mean * flippedCounts![draw]!);
    const observed = allDifferences - mean * samples;
    return flipPValue(flips, statistic, { observed, tolerance: size * 1e-10 }) <= level;
  };
}

/** The last mean from `from` in a direction that is not rejected, by doubling and halving steps. */
function lastAccepted(from: number, step: number, isRejected: (mean: number) => boolean): number {
  let length = step === 0 ? 1e-3 : step; // all clusters differ alike: any scale will do
  let accepted = from;
  for (let doubling = 0; !isRejected(from + length); doubling += 1) {
    if (doubling === 40) return length < 0 ? -Infinity : Infinity;
    accepted = from + length;
    length *= 2;
  }
  let rejected = from + length;
  for (let halving = 0; halving < 60; halving += 1) {
    const middle = (accepted + rejected) / 2;
    if (isRejected(middle)) rejected = middle;
    else accepted = middle;
  }
  return accepted;
}

/** In the order of the clusters. */
export function total(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
