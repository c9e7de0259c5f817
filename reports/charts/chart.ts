/**
 * What a chart shows, before it is drawn: by hand as SVG into the page (svg.ts), by chart.js as PNG (png.ts). Colours are places
 * in the palette, so that each drawing has them for its background.
 */

export interface Axis {
  /** With its unit: "time a sample (ms)". */
  readonly title: string;
  readonly scale: "linear" | "log";
  /** Bars begin at zero; points need not. */
  readonly fromZero: boolean;
}

export type Shape = "circle" | "diamond" | "tick" | "square";

export interface LegendEntry {
  readonly label: string;
  readonly color: number;
  readonly shape: Shape;
}

interface Common {
  /** The name of its file. */
  readonly id: string;
  readonly title: string;
  /** One line below the title: what it is of, what the marks are. */
  readonly note: string;
  readonly legend: readonly LegendEntry[];
}

export interface ChartRow {
  readonly label: string;
  /** What it shows, in figures. */
  readonly text: string;
  /** One behind the other, from zero. */
  readonly bars: readonly { readonly value: number; readonly color: number }[];
  /** An interval, or a range. */
  readonly line: { readonly low: number; readonly high: number } | null;
  readonly points: readonly { readonly value: number; readonly color: number; readonly shape: Shape }[];
}

/** A row for each thing compared, its values from left to right. */
export interface RowsChart extends Common {
  readonly kind: "rows";
  readonly x: Axis;
  readonly rows: readonly ChartRow[];
}

export interface ScatterPoint {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly color: number;
  readonly shape: Shape;
  readonly isOnFront: boolean;
}

export interface ScatterChart extends Common {
  readonly kind: "scatter";
  readonly x: Axis;
  readonly y: Axis;
  readonly points: readonly ScatterPoint[];
}

/** Shares of a whole against a value: y goes from 0 to 1. */
export interface CurvesChart extends Common {
  readonly kind: "curves";
  readonly x: Axis;
  readonly y: Axis;
  readonly curves: readonly {
    readonly label: string;
    readonly color: number;
    readonly points: readonly { readonly x: number; readonly y: number }[];
  }[];
}

export type Chart = RowsChart | ScatterChart | CurvesChart;

/**
 * Okabe and Ito 2008, "Color Universal Design": told apart by readers who are blind to some colours. In the order that keeps
 * neighbours far apart; on a dark ground the lightest come first.
 */
export const lightPalette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"] as const;
export const darkPalette = ["#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#F0E442", "#FFFFFF"] as const;

/** A place in the palettes; after the last comes the first again. */
export function colorAt(index: number): number {
  return index % lightPalette.length;
}
