/**
 * Judges one metric of a candidate against the baseline and a margin: a non-inferiority test
 * (statistics/non-inferiority.ts) on the paired difference clustered by image. Where few images differ, an exact bound
 * replaces Student's t (few-images.ts).
 */
import type { MetricRule } from "../../../reports/records/findings/gate-config.ts";
import type { About, MetricJudgement } from "../../../reports/records/findings/gate-result.ts";
import { metricUnits } from "../../../reports/records/metric-unit.ts";
import type { MetricScore } from "../../../reports/records/run-record.ts";
import { compareMetric } from "../compare/compare-metric.ts";
import type { CompareOptions, MetricFindings } from "../compare/compare-metric.ts";
import type { PairedRuns } from "../compare/compare-runs.ts";
import { pairedNumbers, sumByCluster } from "../compare/paired-samples.ts";
import type { PairedTable } from "../compare/paired-samples.ts";
import { studentCdf } from "../../statistics/distributions.ts";
import { nonInferiority, turned } from "../../statistics/non-inferiority.ts";
import type { Decision, Measured } from "../../statistics/non-inferiority.ts";
import type { Interval } from "../../statistics/paired-mean.ts";
import { enoughImages, lowestDifference, movedImages } from "./few-images.ts";
import { sameAnswers, withSameAnswers } from "./same-answers.ts";

/** The judgement of a metric by itself, before all metrics are judged together. */
export type OwnJudgement = Omit<MetricJudgement, "words" | "adjustedP">;

const level = 0.05;

/** null: the run has no values of this metric. */
export function judgeMetric(
  given: PairedRuns,
  rule: MetricRule,
  { about, options }: { readonly about: About; readonly options: CompareOptions },
): OwnJudgement | null {
  const asked = rule.metric === sameAnswers ? withSameAnswers(given) : metricOf(given, rule.metric);
  if (asked === null) return null;
  const { runs, metric } = asked;
  const [findings] = compareMetric(metric, { ...runs, isHeadline: false }, options);
  if (findings === undefined) return null;
  const { higherIsBetter, unit, samples, clusters, base, candidate, difference, standardError } = findings;
  const tables = [runs.samples, ...(runs.texts === null ? [] : [runs.texts])];
  const moved = movementOf(rule.metric, tables);
  const isFew = moved.differing > 0 && moved.differing < enoughImages;
  const margin = rule.margin / metricUnits[unit].pointsPerUnit;
  const usual = measuredOf(findings);
  const cautious = isFew ? withFewImages(usual, higherIsBetter ? moved.lowest : null) : usual;
  const measured = higherIsBetter ? cautious : turned(cautious);
  const isSame = moved.differing === 0; // identical runs pass a margin of 0, too
  let decision: Decision = isSame ? { verdict: "pass", samplesNeeded: null } : nonInferiority(measured, margin);
  if (decision.verdict === "fail" && isFew && findings.pValue > level) decision = undecided(measured, margin);
  return {
    kind: "metric",
    ...about,
    metric: rule.metric,
    unit,
    isPrimary: rule.primary,
    verdict: decision.verdict,
    margin,
    base,
    candidate,
    difference,
    standardError,
    interval: findings.interval,
    bounds: finite(cautious.bounds),
    method: isFew ? "few images differ" : findings.method,
    samples,
    images: clusters,
    differingImages: moved.differing,
    pValue: failurePValue(measured, { margin, images: clusters }),
    samplesNeeded: neededWith(decision, moved.differing, isFew ? samples : 0),
  };
}

function metricOf(runs: PairedRuns, name: string): { readonly runs: PairedRuns; readonly metric: MetricScore } | null {
  const metric = runs.base.scores.metrics.find((one) => one.name === name);
  return metric === undefined ? null : { runs, metric };
}

/** The inconclusive decision for these numbers, with the number of samples that would probably decide it. */
export function undecided(measured: Measured, margin: number): Decision {
  return nonInferiority({ ...measured, bounds: null, interval: null }, margin);
}

/** Raises the number of needed samples so that enough images would differ. `samples` 0: enough differ already. */
function neededWith({ verdict, samplesNeeded }: Decision, differing: number, samples: number): number | null {
  if (verdict !== "inconclusive" || samplesNeeded === null) return samplesNeeded;
  return Math.max(samplesNeeded, Math.ceil((samples * enoughImages) / Math.max(1, differing)));
}

function measuredOf({ difference, standardError, interval, bounds, samples }: MetricFindings): Measured {
  return { difference, standardError, interval: whole(interval), bounds: whole(bounds), samples };
}

/** Replaces missing ends of an interval by infinities. */
function whole({ low, high }: MetricFindings["interval"]): Interval {
  return { low: low ?? -Infinity, high: high ?? Infinity };
}

function finite(interval: Interval | null): MetricJudgement["bounds"] {
  const end = (value: number): number | null => (Number.isFinite(value) ? value : null);
  return interval === null ? { low: null, high: null } : { low: end(interval.low), high: end(interval.high) };
}

/** Lowers the bounds to the exact one for few images. `lowest` null: the loss of an image has no limit. */
function withFewImages(measured: Measured, lowest: number | null): Measured {
  const { low, high } = measured.bounds ?? { low: -Infinity, high: Infinity };
  return { ...measured, bounds: { low: lowest === null ? -Infinity : Math.min(low, lowest), high } };
}

/** Counts the images that differ in the metric's column or, for a metric made of several columns, in any of them. */
function movementOf(
  metric: string,
  tables: readonly PairedTable[],
): { readonly differing: number; readonly lowest: number | null } {
  for (const table of tables) {
    const numbers = pairedNumbers(metric, table);
    if (numbers === null) continue;
    const sums = sumByCluster(numbers, table.clusters);
    const best = numbers.base.reduce((most, value) => Math.max(most, value), 0);
    return { differing: movedImages(sums).differing, lowest: lowestDifference(sums, best) };
  }
  const images = new Set<string>();
  for (const table of tables) {
    for (const column of Object.keys(table.base)) {
      const numbers = pairedNumbers(column, table);
      if (numbers === null) continue;
      for (const [place, value] of numbers.base.entries()) {
        if (value !== numbers.candidate[place]) images.add(table.clusters[place] ?? "");
      }
    }
  }
  return { differing: images.size, lowest: null };
}

/**
 * p-value of a failure: the probability of so bad a difference without one, by Student's t; the smaller of the two
 * criteria of failure.
 */
function failurePValue(
  { difference, standardError }: Measured,
  { margin, images }: { readonly margin: number; readonly images: number },
): number | null {
  if (standardError === null) return null;
  const below = (distance: number): number => {
    if (standardError === 0) return distance < 0 ? 0 : 1;
    return studentCdf(distance / standardError, images - 1);
  };
  const isWorse = difference < -margin ? 2 * below(difference) : 1;
  return Math.min(1, below(difference + margin), isWorse);
}
