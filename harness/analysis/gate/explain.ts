/** Explains in words how a metric's verdict came about. */
import type { MetricJudgement } from "../../../reports/records/findings/gate-result.ts";
import { differenceText, pointsText } from "../../../reports/tables/metric-numbers.ts";
import { pValueText } from "../../../reports/tables/numbers.ts";

/** Stands for a missing end of an interval. */
const unbounded = "unbounded";
/** Stands before a p-value that is smaller than the smallest one shown. */
const below = "below ";

type Judged = Omit<MetricJudgement, "words">;

/** `isChance`: the metric failed by itself, but not after Holm's correction. */
export function metricWords(judged: Judged, isChance: boolean): string {
  return [measurement(judged), caution(judged), conclusion(judged, isChance)].filter((text) => text !== "").join(" ");
}

function measurement({ metric, unit, base, candidate, difference, samples, images, differingImages }: Judged): string {
  if (differingImages === 0) {
    return `${metric} is ${pointsText(candidate, unit)}, the same as the baseline's on each of ${samples} samples of ${images} images.`;
  }
  return (
    `${metric} is ${pointsText(candidate, unit)}, the baseline's ${pointsText(base, unit)}: a difference of ${differenceText(difference, unit, unbounded)} points over ` +
    `${samples} samples of ${images} images.`
  );
}

function caution({ method, differingImages, bounds }: Judged): string {
  if (method === "few images differ") {
    const bound =
      bounds.low === null
        ? "and nothing bounds what others could lose"
        : "so the bound is that of an exact interval for the share of images that become worse, each losing a sample, or what the worst did";
    return `Only ${differingImages ?? 0} images differ, too few for Student's t, ${bound}.`;
  }
  return method === "sign-flip"
    ? "There are too few images for Student's t, so the bound inverts the sign-flip test."
    : "";
}

function conclusion(judged: Judged, isChance: boolean): string {
  const { verdict, unit, margin, bounds, interval, difference, adjustedP, differingImages } = judged;
  const allowed = `the margin of ${pointsText(margin, unit)}`;
  const low = `Its one-sided 95 % lower bound is ${differenceText(bounds.low, unit, unbounded)}`;
  if (verdict === "pass") {
    return differingImages === 0
      ? "Pass."
      : `${low}, above ${differenceText(-margin, unit, unbounded)}: it is not worse by more than ${allowed}. Pass.`;
  }
  if (verdict === "fail") {
    const chance = adjustedP === null ? "" : ` (p ${pValueText(adjustedP, below)} by Holm over the primary metrics)`;
    const isBelow = bounds.high !== null && bounds.high < -margin;
    const reason = isBelow
      ? `Its one-sided 95 % upper bound is ${differenceText(bounds.high, unit, unbounded)}, below ${differenceText(-margin, unit, unbounded)}`
      : `Its 95 % interval, ${differenceText(interval.low, unit, unbounded)} to ${differenceText(interval.high, unit, unbounded)}, excludes 0, and ${differenceText(difference, unit, unbounded)} is beyond ${allowed}`;
    return `${reason}${chance}. Fail.`;
  }
  const why = isChance
    ? `By itself it would fail; of several primary metrics, one so bad may be chance (p ${pValueText(adjustedP ?? 1, below)} by Holm)`
    : `${low}, not above ${differenceText(-margin, unit, unbounded)}, and it is not shown to be worse by more than ${allowed} either`;
  return `${why}. Inconclusive: ${neededWords(judged)}.`;
}

function neededWords({ samplesNeeded }: Judged): string {
  return samplesNeeded === null
    ? "no number of such samples would decide it"
    : `about ${samplesNeeded} samples would decide it with 80 % power`;
}
