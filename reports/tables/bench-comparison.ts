/** Bench folders beside a base: each point's speed, load time and memory as a ratio, for the eye and as JSON. */
import { formatColumns } from "./table.ts";

export const benchComparisonFormat = "blip2-bench-bench-comparison/1";

/** One measure of one point, measured by both. */
export interface PointRatio {
  readonly point: string;
  readonly measure: "median latency" | "tail latency" | "samples a second" | "load time" | "peak memory";
  /** Median of the candidate's process restarts over that of the base's. */
  readonly ratio: number;
  /** 95 %, of restarts; null: they are too few to exclude anything. */
  readonly low: number | null;
  readonly high: number | null;
  readonly restarts: { readonly base: number; readonly candidate: number };
  /** `better` or `worse` where the interval leaves out 1. */
  readonly verdict: "better" | "worse" | "-";
}

export interface BenchComparison {
  readonly format: typeof benchComparisonFormat;
  readonly base: string;
  readonly comparisons: readonly {
    readonly candidate: string;
    readonly ratios: readonly PointRatio[];
    /** Points that are not compared, with the reason. */
    readonly apart: readonly string[];
  }[];
}

export function formatBenchComparison({ base, comparisons }: BenchComparison): string {
  return comparisons
    .map(({ candidate, ratios, apart }) => {
      const table = formatColumns(
        ["point", "measure", "ratio", "95 % interval", "restarts", "verdict"],
        ratios.map(({ point, measure, ratio, low, high, restarts, verdict }) => [
          point,
          measure,
          ratio.toFixed(3),
          low === null || high === null ? "too few restarts" : `${low.toFixed(3)} to ${high.toFixed(3)}`,
          `${restarts.base}, ${restarts.candidate}`,
          verdict,
        ]),
        ["left", "left", "right", "right", "right"],
      );
      return [`${candidate} over ${base}`, table, ...apart.map((line) => `not compared: ${line}`)].join("\n");
    })
    .join("\n\n");
}
