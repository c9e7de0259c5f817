/** Maps values to positions on an axis, and chooses round numbers for its ticks. */
import type { Axis, Chart } from "./chart.ts";

export interface Scale {
  readonly kind: "linear" | "log";
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly number[];
  /** Position of a value: 0 at `min`, 1 at `max`. */
  readonly at: (value: number) => number;
}

export function scaleOf({ scale, fromZero }: Axis, values: readonly number[]): Scale {
  const finite = values.filter((value) => Number.isFinite(value) && (scale === "linear" || value > 0));
  const least = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (finite.length === 0) return linear(0, 1);
  return scale === "log" && most / least > narrow
    ? logarithmic(least, most)
    : linear(fromZero ? Math.min(0, least) : least, most);
}

const wantedTicks = 5;
const narrow = 6; // a logarithmic axis with a smaller ratio of max to min has too few round numbers

function linear(least: number, most: number): Scale {
  const span = most - least || Math.abs(most) || 1;
  const step = roundStep(span / wantedTicks);
  const min = Math.floor(least / step + 1e-9) * step;
  const max = Math.max(Math.ceil(most / step - 1e-9) * step, min + step);
  const count = Math.round((max - min) / step);
  // min + i * step, which unlike repeated addition gathers no rounding errors
  const ticks = Array.from({ length: count + 1 }, (_, index) => Number((min + index * step).toPrecision(12)));
  return { kind: "linear", min, max, ticks, at: (value) => (value - min) / (max - min) };
}

/** The smallest of 1, 2 or 5 times a power of ten that is at least `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= step * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function logarithmic(least: number, most: number): Scale {
  const candidates = roundNumbers(least, most);
  const min = candidates.findLast((tick) => tick <= least * (1 + 1e-9)) ?? least;
  const max = candidates.find((tick) => tick >= most * (1 - 1e-9) && tick > min) ?? most;
  const inside = candidates.filter((tick) => tick >= min && tick <= max);
  const every = Math.ceil(inside.length / (wantedTicks + 2));
  const ticks = inside.filter((_, index) => index % every === 0);
  const width = Math.log(max) - Math.log(min);
  return { kind: "log", min, max, ticks, at: (value) => (Math.log(value) - Math.log(min)) / width };
}

function roundNumbers(least: number, most: number): readonly number[] {
  const from = Math.floor(Math.log10(least));
  const powers = Array.from({ length: Math.ceil(Math.log10(most)) - from + 2 }, (_, index) => from + index);
  return powers.flatMap((power) => [1, 2, 5].map((factor) => Number(`${factor}e${power}`)));
}

/** All values of a chart along one axis. */
export function valuesOf(chart: Chart, axis: "x" | "y"): readonly number[] {
  switch (chart.kind) {
    case "rows":
      return chart.rows.flatMap(({ bars, line, points }) => [
        ...(bars.length > 0 ? [bars.reduce((sum, { value }) => sum + value, 0)] : []),
        ...(line === null ? [] : [line.low, line.high]),
        ...points.map(({ value }) => value),
      ]);
    case "scatter":
      return chart.points
        .flatMap((point) => (axis === "x" ? [point.x] : [point.y, point.low, point.high]))
        .filter(isThere);
    case "curves":
      return chart.curves.flatMap(({ points }) => points.map((point) => point[axis]));
  }
}

function isThere(value: number | null): value is number {
  return value !== null;
}

/** The label of a tick, as short as possible: 1200, 35, 0.25. */
export function tickText(value: number): string {
  return Math.abs(value) >= 10_000 ? value.toLocaleString("en-US") : String(Number(value.toPrecision(6)));
}
