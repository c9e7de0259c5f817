/** Computes a row of a comparison, all but the adjusted p-value, from sums by image. */
import type { MetricComparison } from "../../../reports/records/findings/comparison.ts";
import { metricUnits } from "../../../reports/records/metric-unit.ts";
import { resampledIntervals } from "../../statistics/bootstrap.ts";
import type { BootstrapOptions, ResampledInterval } from "../../statistics/bootstrap.ts";
import { detectableDifference } from "../../statistics/power.ts";
import { mcNemarTest } from "../../statistics/mcnemar.ts";
import { differenceIntervals, fewClusters, meanDifference } from "../../statistics/paired-mean.ts";
import type { Interval, PairedSums } from "../../statistics/paired-mean.ts";
import { resampledDifference, scoreDifference, swapTest } from "../../statistics/paired-score.ts";
import type { PairedColumns } from "../../statistics/paired-score.ts";
import { signFlipTest } from "../../statistics/sign-flip.ts";
import type { PairedNumbers } from "./paired-samples.ts";

export interface CompareOptions {
  /** Number of random sign patterns in the permutation test. */
  readonly permutations: number;
  /** Number of bootstrap draws; 0 uses the bootstrap only where an interval cannot be made without it. */
  readonly bootstrap: number;
  readonly seed: number;
}

/** With 10,000 permutations a p-value of 5 % has a standard error of 0.2 points: sqrt(0.05 × 0.95 / 10000). */
export const usualCompareOptions: CompareOptions = { permutations: 10_000, bootstrap: 0, seed: 0 };

/** A row without the p-value that is adjusted over all rows. */
export type MetricFindings = Omit<MetricComparison, "adjustedP">;

export type MetricName = Pick<MetricComparison, "metric" | "group" | "unit" | "higherIsBetter">;

type Bootstrap = NonNullable<MetricComparison["bootstrap"]>;

/**
 * Draws where the bootstrap is needed but was not requested: each end of a 95 % interval then has a standard error of
 * 1.5 % of its width.
 */
const fewestDraws = 2000;

/** Confidences of the two-sided 95 % interval, and of the 90 % interval, whose ends are the one-sided 95 % bounds. */
const confidences = [0.95, 0.9] as const;

/**
 * Compares a score that is a mean over samples. `scores`: the scores of the samples, from which the differing ones are
 * counted.
 */
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
    bootstrap: bootstrap === 0 ? null : resampledMean(name.unit, sums, { draws: bootstrap, seed }),
    differing,
    detectable: detectableDifference(measured.standardError),
  };
}

/** Compares a score that is a function of sums over all samples, such as BLEU. */
export function compareScores(
  name: MetricName,
  { columns, samples }: { readonly columns: PairedColumns; readonly samples: number },
  { permutations, bootstrap, seed }: CompareOptions,
): MetricFindings {
  const measured = scoreDifference(columns);
  const test = swapTest(columns, { draws: permutations, seed });
  const draws = bootstrap === 0 ? fewestDraws : bootstrap;
  const [two, one] = resampledDifference(columns, confidences, { draws, seed });
  return {
    ...name,
    ...measured,
    samples,
    clusters: columns.base[0]?.length ?? 0,
    interval: ends(name.unit, two!.bca),
    bounds: ends(name.unit, one!.bca),
    method: "bootstrap",
    pValue: test.pValue,
    permutations: { draws: test.draws, exact: test.isExact },
    mcnemar: null,
    bootstrap: { draws, ...bothEnds(name.unit, two!) },
    differing: null,
    detectable: detectableDifference(measured.standardError),
  };
}

/** Bootstraps a mean difference: the sum of differences over the number of samples. */
function resampledMean(unit: MetricName["unit"], sums: PairedSums, options: BootstrapOptions): Bootstrap {
  const score = ([differences, counts]: Float64Array): number => differences! / counts!;
  const [resampled] = resampledIntervals({ columns: [sums.differences, sums.counts], score }, [0.95], options);
  return { draws: options.draws, ...bothEnds(unit, resampled!) };
}

function bothEnds(
  unit: MetricName["unit"],
  { percentile, bca }: ResampledInterval,
): Pick<Bootstrap, "percentile" | "bca"> {
  return { percentile: ends(unit, percentile), bca: ends(unit, bca) };
}

/**
 * Cuts an interval at the largest possible difference, which is the unit's highest score. An infinite end becomes null,
 * as JSON has no infinity.
 */
function ends(unit: MetricName["unit"], { low, high }: Interval): MetricComparison["interval"] {
  const { highest } = metricUnits[unit];
  if (highest !== null) return { low: Math.max(-highest, low), high: Math.min(highest, high) };
  return { low: Number.isFinite(low) ? low : null, high: Number.isFinite(high) ? high : null };
}

/**
 * McNemar's test, where a score of 1 counts as right. null for scores that are neither 0 or 1 nor graded between them.
 */
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
