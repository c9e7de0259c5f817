/**
 * Formats scores of metrics by their units (metric-unit.ts). Scores are shown in points, which are hundredths in both
 * units.
 */
import { metricUnits } from "../records/metric-unit.ts";
import type { MetricUnit } from "../records/metric-unit.ts";
import { noNumber, rangeText, withSign } from "./numbers.ts";

type MaybeNumber = number | null | undefined;

/** A score in points, not rounded. */
export function points(score: number, unit: MetricUnit): number {
  return score * metricUnits[unit].pointsPerUnit;
}

/** A score in points, rounded for display. */
export function roundedPoints(score: MaybeNumber, unit: MetricUnit): number | null {
  return score === null || score === undefined ? null : Number(pointsText(score, unit));
}

/** `53.41` */
export function pointsText(score: MaybeNumber, unit: MetricUnit): string {
  return score === null || score === undefined ? noNumber : fixedPoints(points(score, unit), unit);
}

/** Formats a number that is in points already. */
export function fixedPoints(value: number, unit: MetricUnit): string {
  return value.toFixed(metricUnits[unit].digits);
}

/** The score of one sample in points, with fewer decimals: `33.3`. */
export function samplePointsText(score: number, unit: MetricUnit): string {
  return points(score, unit).toFixed(1);
}

/** A score with its sign: `53.41 %`, or with its standard error `53.41 ± 0.20 %`. */
export function scoreText(score: MaybeNumber, unit: MetricUnit, error: MaybeNumber = null): string {
  if (score === null || score === undefined) return noNumber;
  return withError(pointsText(score, unit), error, unit);
}

/**
 * A difference: `+1.20`, `-0.35`, `0.00`; `none` is the text for null, for example for a missing end of an interval.
 */
export function differenceText(difference: number | null, unit: MetricUnit, none = noNumber): string {
  return difference === null ? none : withSign(difference, pointsText(Math.abs(difference), unit));
}

/** `+1.20 ± 0.40 %` */
export function differenceWithError(difference: number | null, unit: MetricUnit, error: MaybeNumber): string {
  return difference === null ? noNumber : withError(differenceText(difference, unit), error, unit);
}

function withError(digits: string, error: MaybeNumber, unit: MetricUnit): string {
  const spread = error === null || error === undefined ? "" : ` ± ${pointsText(error, unit)}`;
  return withUnit(`${digits}${spread}`, unit);
}

export function withUnit(digits: string, unit: MetricUnit): string {
  const { sign } = metricUnits[unit];
  return sign === "" ? digits : `${digits} ${sign}`;
}

/** Ends of an interval of scores: `52.9 to 53.9`. */
export function pointsRange(
  interval: { readonly low: number; readonly high: number } | null | undefined,
  unit: MetricUnit,
): string {
  if (interval === null || interval === undefined) return noNumber;
  return rangeText(interval.low, interval.high, (end) => pointsText(end, unit));
}

/** `accuracy (%)`, `CIDEr (× 100)`: the title of an axis. */
export function axisTitle(metric: string, unit: MetricUnit): string {
  const { sign, pointsPerUnit } = metricUnits[unit];
  return `${metric} (${sign === "" ? `× ${pointsPerUnit}` : sign})`;
}
