/** One metric of two runs that answered the same samples: the numbers of a row of the comparison, all but the adjusted p. */
import type { MetricComparison } from "../../reports/comparison.ts";
import { detectableDifference } from "../statistics/power.ts";
import { mcNemarTest } from "../statistics/mcnemar.ts";
import { differenceIntervals, fewClusters, meanDifference } from "../statistics/paired-mean.ts";
import type { Interval, PairedSums } from "../statistics/paired-mean.ts";
import { resampledIntervals, scoreDifference, swapTest } from "../statistics/paired-score.ts";
import type { PairedColumns, ResampledInterval } from "../statistics/paired-score.ts";
import { signFlipTest } from "../statistics/sign-flip.ts";
import type { PairedNumbers } from "./paired-samples.ts";

export interface CompareOptions {
  /** Random sign patterns of the permutation test. */
  readonly permutations: number;
  /** Draws of the bootstrap; 0 leaves it out where an interval does not need it. */
  readonly bootstrap: number;
  readonly seed: number;
}

/** Without what is known only when all comparisons are made. */
export type MetricFindings = Omit<MetricComparison, "adjustedP">;

export type MetricName = Pick<MetricComparison, "metric" | "group" | "unit" | "higherIsBetter">;

/** Two-sided 95 %, and the 90 % whose ends are the one-sided 95 % bounds. */
const confidences = [0.95, 0.9] as const;

/** A score that is a mean over samples. `scores`: those of the samples, where they say how many of them differ. */
export function compareMeans(
  name: MetricName,
  { sums, scores, isGraded }: { sums: PairedSums; scores: PairedNumbers | null; isGraded: boolean },
  options: CompareOptions,
): MetricFindings {
  const { permutations, bootstrap, seed } = options;
  const flips = { draws: permutations, seed };
  const measured = meanDifference(sums);
  const [interval, bounds] = differenceIntervals(sums, confidences, flips);
  const { pValue, isExact, draws } = signFlipTest(sums.differences, flips);
  const differing = scores === null ? null : countWhere(scores, (base, candidate) => base !== candidate);
  return {
    ...name,
    ...measured,
    interval: ends(name.unit, interval!),
    bounds: ends(name.unit, bounds!),
    method: measured.clusters < fewClusters ? "sign-flip" : "t",
    pValue,
    permutations: { draws, exact: isExact },
    mcnemar: scores === null ? null : mcNemarOf(scores, isGraded),
    bootstrap: bootstrap === 0 ? null : bootstrapOf(name.unit, columnsOfMean(sums), { draws: bootstrap, seed }),
    differing,
    detectable: detectableDifference(measured.standardError),
  };
}

/** A score made of sums over all samples, such as BLEU. */
export function compareScores(
  name: MetricName,
  { columns, samples }: { readonly columns: PairedColumns; readonly samples: number },
  { permutations, bootstrap, seed }: CompareOptions,
): MetricFindings {
  const measured = scoreDifference(columns);
  const { pValue, isExact, draws } = swapTest(columns, { draws: permutations, seed });
  const resampled = resampledIntervals(columns, confidences, { draws: bootstrap === 0 ? 2000 : bootstrap, seed });
  const [two, one] = resampled;
  return {
    ...name,
    ...measured,
    samples,
    clusters: columns.base[0]?.length ?? 0,
    interval: ends(name.unit, two!.bca),
    bounds: ends(name.unit, one!.bca),
    method: "bootstrap",
    pValue,
    permutations: { draws, exact: isExact },
    mcnemar: null,
    bootstrap: { draws: bootstrap === 0 ? 2000 : bootstrap, ...bothEnds(name.unit, two!) },
    differing: null,
    detectable: detectableDifference(measured.standardError),
  };
}

/** A mean as a score of sums: that of the values over that of the samples. */
function columnsOfMean({ counts, base, candidate }: PairedSums): PairedColumns {
  return { base: [base, counts], candidate: [candidate, counts], score: (sums) => sums[0]! / sums[1]! };
}

function bootstrapOf(
  unit: MetricName["unit"],
  columns: PairedColumns,
  options: { readonly draws: number; readonly seed: number },
): MetricComparison["bootstrap"] {
  const [resampled] = resampledIntervals(columns, [0.95], options);
  return { draws: options.draws, ...bothEnds(unit, resampled!) };
}

function bothEnds(
  unit: MetricName["unit"],
  { percentile, bca }: ResampledInterval,
): Pick<NonNullable<MetricComparison["bootstrap"]>, "percentile" | "bca"> {
  return { percentile: ends(unit, percentile), bca: ends(unit, bca) };
}

/** Shares differ by at most 1. What has no end at all has none in JSON, either. */
function ends(unit: MetricName["unit"], { low, high }: Interval): MetricComparison["interval"] {
  if (unit === "fraction") return { low: Math.max(-1, low), high: Math.min(1, high) };
  return { low: Number.isFinite(low) ? low : null, high: Number.isFinite(high) ? high : null };
}

/** Right is a score of 1. null for scores that are no judgement of right and wrong, which `isGraded` ones can be made. */
function mcNemarOf(scores: PairedNumbers, isGraded: boolean): MetricComparison["mcnemar"] {
  const isYesNo = [scores.base, scores.candidate].every((side) => side.every((score) => score === 0 || score === 1));
  if (!isYesNo && !isGraded) return null;
  const lost = countWhere(scores, (base, candidate) => base === 1 && candidate !== 1);
  const gained = countWhere(scores, (base, candidate) => base !== 1 && candidate === 1);
  return mcNemarTest(lost, gained);
}

export function countWhere(
  { base, candidate }: PairedNumbers,
  is: (base: number, candidate: number) => boolean,
): number {
  let count = 0;
  for (let place = 0; place < base.length; place += 1) if (is(base[place]!, candidate[place]!)) count += 1;
  return count;
}
