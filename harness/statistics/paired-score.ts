/**
 * Two systems compared by a score that is no mean but a function of sums over clusters, such as BLEU: jackknife standard
 * error, bootstrap interval, and the sign-flip test as a swap of the systems' sums cluster by cluster.
 */
import { jackknifeError, leaveOneOut, resampledIntervals } from "./bootstrap.ts";
import type { BootstrapOptions, ResampledInterval } from "./bootstrap.ts";
import { total } from "./paired-mean.ts";
import { flipPValue, flipSigns } from "./sign-flip.ts";
import type { FlipOptions, SignFlipTest } from "./sign-flip.ts";

/** What the score is made of: as many columns for the one system as for the other, one sum a cluster in each. */
export interface PairedColumns {
  readonly base: readonly Float64Array[];
  readonly candidate: readonly Float64Array[];
  /** From the sums of one system's columns. */
  readonly score: (sums: Float64Array) => number;
}

export interface ScoreDifference {
  readonly base: number;
  readonly candidate: number;
  readonly difference: number;
  /** Delete-one jackknife; null for one cluster. */
  readonly standardError: number | null;
}

export function scoreDifference(columns: PairedColumns): ScoreDifference {
  const base = columns.score(Float64Array.from(columns.base, total));
  const candidate = columns.score(Float64Array.from(columns.candidate, total));
  const standardError = jackknifeError(leaveOneOut([...columns.base, ...columns.candidate], differenceOf(columns)));
  return { base, candidate, difference: candidate - base, standardError };
}

/** From the sums of both systems' columns, one behind the other. */
function differenceOf({ base, score }: PairedColumns): (sums: Float64Array) => number {
  return (sums) => score(sums.subarray(base.length)) - score(sums.subarray(0, base.length));
}

/** Intervals of the difference by the bootstrap over clusters, one pair for each confidence. */
export function resampledDifference(
  columns: PairedColumns,
  confidences: readonly number[],
  options: BootstrapOptions,
): readonly ResampledInterval[] {
  const all = [...columns.base, ...columns.candidate];
  return resampledIntervals({ columns: all, score: differenceOf(columns) }, confidences, options);
}

export function swapTest({ base, candidate, score }: PairedColumns, options: FlipOptions): SignFlipTest {
  const clusters = Array.from({ length: base[0]?.length ?? 0 }, (_, cluster) => cluster);
  const moved = clusters.filter((cluster) => base.some((column, k) => column[cluster] !== candidate[k]![cluster]));
  const movedBy = base.map((column, k) => Float64Array.from(moved, (one) => candidate[k]![one]! - column[one]!));
  const flips = flipSigns(movedBy, options);
  const [ofBase, ofCandidate] = [Float64Array.from(base, total), Float64Array.from(candidate, total)];
  const [swappedBase, swappedCandidate] = [ofBase.slice(), ofCandidate.slice()];
  const statistic = (draw: number): number => {
    for (let k = 0; k < movedBy.length; k += 1) {
      const sum = flips.flipped[k]![draw]!;
      swappedBase[k] = ofBase[k]! + sum;
      swappedCandidate[k] = ofCandidate[k]! - sum;
    }
    return score(swappedCandidate) - score(swappedBase);
  };
  const observed = score(ofCandidate) - score(ofBase);
  const pValue = flipPValue(flips, statistic, { observed, tolerance: 1e-12 });
  return { pValue, isExact: flips.isExact, draws: flips.draws };
}
