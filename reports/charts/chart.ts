/**
 * A chart as data, before it is drawn: as SVG in the page (svg.ts) or by chart.js as PNG (png.ts). Colours are indices
 * into a palette, so that each drawing can choose the palette for its background.
 */

export interface Axis {
  /** Title of the axis with its unit: "time a sample (ms)". */
  readonly title: string;
  readonly scale: "linear" | "log";
  /** Whether the axis begins at zero. Charts with bars must; charts with points need not. */
  readonly fromZero: boolean;
}

export type Shape = "circle" | "diamond" | "tick" | "square";

export interface LegendEntry {
  readonly label: string;
  readonly color: number;
  readonly shape: Shape;
}

interface Common {
  /** Name of the chart's file, without extension. */
  readonly id: string;
  readonly title: string;
  /** One line below the title: what the chart is about, and what its marks mean. */
  readonly note: string;
  readonly legend: readonly LegendEntry[];
}

export interface ChartRow {
  readonly label: string;
  /** The value in figures, shown beside the mark. */
  readonly text: string;
  /** Bars stacked one after the other, beginning at zero. */
  readonly bars: readonly { readonly value: number; readonly color: number }[];
  /** An interval or a range, drawn as a line. */
  readonly line: { readonly low: number; readonly high: number } | null;
  readonly points: readonly { readonly value: number; readonly color: number; readonly shape: Shape }[];
}

/** A chart with a row for each thing that is compared; values run from left to right. */
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

/** A chart of cumulative shares against a value: y goes from 0 to 1. */
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
 * Okabe and Ito 2008, "Color Universal Design": colours that colour-blind readers can distinguish. Neighbours in the
 * list differ strongly; for a dark background the lightest come first.
 */
export const lightPalette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"] as const;
export const darkPalette = ["#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#F0E442", "#FFFFFF"] as const;

/** An index into the palettes; after the last colour the first is used again. */
export function colorAt(index: number): number {
  return index % lightPalette.length;
}
