/**
 * Cells of a report's tables: text rounded for the page, and unrounded values for a spreadsheet. A dash means "not
 * measured".
 */
import type { MetricUnit } from "../records/metric-unit.ts";
import { metricUnits } from "../records/metric-unit.ts";
import { points } from "./metric-numbers.ts";
import { figureText, grouped, rangeText, withRange, withSign } from "./numbers.ts";
import type { Cell } from "./table.ts";

type MaybeNumber = number | null | undefined;

const notMeasured: Cell = { text: "–", value: null, tone: "quiet" };

function cellOf(value: MaybeNumber, textOf: (value: number) => string): Cell {
  return value === null || value === undefined ? notMeasured : { text: textOf(value), value };
}

/** A number with `digits` decimals. */
export function amount(value: MaybeNumber, digits = 2): Cell {
  return cellOf(value, (known) => grouped(known, digits));
}

/** A number with three significant digits. */
export function figure(value: MaybeNumber): Cell {
  return cellOf(value, figureText);
}

/** A number with its lowest and highest value, where they are known. */
export function rangedFigure(
  rate: { readonly value: number; readonly low: number | null; readonly high: number | null } | null | undefined,
): Cell {
  return rate === null || rate === undefined ? notMeasured : { text: withRange(rate, figureText), value: rate.value };
}

/** A size; its value is in bytes, its text in MB. */
export function megabytes(bytes: MaybeNumber): Cell {
  return cellOf(bytes, (known) => grouped(known / 1e6, known < 1e7 ? 1 : 0));
}

/** An interval, `low to high`, also in a spreadsheet. */
export function interval(low: MaybeNumber, high: MaybeNumber, digits = 2): Cell {
  if (low === null || low === undefined || high === null || high === undefined) return notMeasured;
  const text = rangeText(low, high, (end) => grouped(end, digits));
  return { text, value: text };
}

/** A cell for an unrounded score. */
export function scoreCell(score: MaybeNumber, unit: MetricUnit): Cell {
  return amount(wholePoints(score, unit), metricUnits[unit].digits);
}

export function scoreIntervalCell(low: MaybeNumber, high: MaybeNumber, unit: MetricUnit): Cell {
  return interval(wholePoints(low, unit), wholePoints(high, unit), metricUnits[unit].digits);
}

/** A cell for a difference of scores, with its sign. */
export function scoreDifferenceCell(difference: MaybeNumber, unit: MetricUnit): Cell {
  return cellOf(wholePoints(difference, unit), (value) =>
    withSign(value, grouped(Math.abs(value), metricUnits[unit].digits), "−"),
  );
}

/** A score in points, without rounding errors of the multiplication beyond twelve digits. */
function wholePoints(score: MaybeNumber, unit: MetricUnit): number | null {
  return score === null || score === undefined ? null : Number(points(score, unit).toPrecision(12));
}
