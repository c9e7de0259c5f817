/** How a metric's verdict came, in words. */
import type { MetricJudgement } from "../../../reports/records/findings/gate-result.ts";

type Judged = Omit<MetricJudgement, "words">;

/** `isChance`: it failed by itself, and not after Holm. */
export function metricWords(judged: Judged, isChance: boolean): string {
  return [measurement(judged), caution(judged), conclusion(judged, isChance)].filter((text) => text !== "").join(" ");
}

function measurement({ metric, base, candidate, difference, samples, images, differingImages }: Judged): string {
  if (differingImages === 0) {
    return `${metric} is ${points(candidate)}, the same as the baseline's on each of ${samples} samples of ${images} images.`;
  }
  return (
    `${metric} is ${points(candidate)}, the baseline's ${points(base)}: a difference of ${signed(difference)} points over ` +
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
  const { verdict, margin, bounds, interval, difference, adjustedP, differingImages } = judged;
  const allowed = `the margin of ${points(margin)}`;
  const low = `Its one-sided 95 % lower bound is ${signed(bounds.low)}`;
  if (verdict === "pass") {
    return differingImages === 0
      ? "Pass."
      : `${low}, above ${signed(-margin)}: it is not worse by more than ${allowed}. Pass.`;
  }
  if (verdict === "fail") {
    const chance = adjustedP === null ? "" : ` (p ${probability(adjustedP)} by Holm over the primary metrics)`;
    const isBelow = bounds.high !== null && bounds.high < -margin;
    const reason = isBelow
      ? `Its one-sided 95 % upper bound is ${signed(bounds.high)}, below ${signed(-margin)}`
      : `Its 95 % interval, ${signed(interval.low)} to ${signed(interval.high)}, excludes 0, and ${signed(difference)} is beyond ${allowed}`;
    return `${reason}${chance}. Fail.`;
  }
  const why = isChance
    ? `By itself it would fail; of several primary metrics, one so bad may be chance (p ${probability(adjustedP ?? 1)} by Holm)`
    : `${low}, not above ${signed(-margin)}, and it is not shown to be worse by more than ${allowed} either`;
  return `${why}. Inconclusive: ${neededWords(judged)}.`;
}

function neededWords({ samplesNeeded }: Judged): string {
  return samplesNeeded === null
    ? "no number of such samples would decide it"
    : `about ${samplesNeeded} samples would decide it with 80 % power`;
}

function points(value: number): string {
  return (value * 100).toFixed(2);
}

function signed(value: number | null): string {
  if (value === null) return "unbounded";
  const text = points(value);
  return Number(text) > 0 ? `+${text}` : Number(text) === 0 ? "0.00" : text;
}

function probability(value: number): string {
  return value < 0.0001 ? "below 0.0001" : value.toFixed(4);
}
