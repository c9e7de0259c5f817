/** Cells of a report's tables: rounded for the page, whole for a spreadsheet. Where nothing was measured stands a dash. */
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

/** `digits` behind the point. */
export function amount(value: MaybeNumber, digits = 2): Cell {
  return cellOf(value, (known) => grouped(known, digits));
}

/** Three digits that count. */
export function figure(value: MaybeNumber): Cell {
  return cellOf(value, figureText);
}

/** With the lowest and the highest of it, where they are known. */
export function rangedFigure(
  rate: { readonly value: number; readonly low: number | null; readonly high: number | null } | null | undefined,
): Cell {
  return rate === null || rate === undefined ? notMeasured : { text: withRange(rate, figureText), value: rate.value };
}

/** The value is in bytes, the text in millions of them. */
export function megabytes(bytes: MaybeNumber): Cell {
  return cellOf(bytes, (known) => grouped(known / 1e6, known < 1e7 ? 1 : 0));
}

/** `low to high`, in a spreadsheet, too. */
export function interval(low: MaybeNumber, high: MaybeNumber, digits = 2): Cell {
  if (low === null || low === undefined || high === null || high === undefined) return notMeasured;
  const text = rangeText(low, high, (end) => grouped(end, digits));
  return { text, value: text };
}

/** A score that is not rounded yet. */
export function scoreCell(score: MaybeNumber, unit: MetricUnit): Cell {
  return amount(wholePoints(score, unit), metricUnits[unit].digits);
}

export function scoreIntervalCell(low: MaybeNumber, high: MaybeNumber, unit: MetricUnit): Cell {
  return interval(wholePoints(low, unit), wholePoints(high, unit), metricUnits[unit].digits);
}

/** With its sign. */
export function scoreDifferenceCell(difference: MaybeNumber, unit: MetricUnit): Cell {
  return cellOf(wholePoints(difference, unit), (value) =>
    withSign(value, grouped(Math.abs(value), metricUnits[unit].digits), "−"),
  );
}

/** Without the digits that multiplying leaves behind the twelfth. */
function wholePoints(score: MaybeNumber, unit: MetricUnit): number | null {
  return score === null || score === undefined ? null : Number(points(score, unit).toPrecision(12));
}
