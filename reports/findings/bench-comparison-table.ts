/** Bench folders beside a base: each point's speed, load time and memory as a ratio, for the eye and as JSON. */
import { rangeText } from "../tables/numbers.ts";
import { left, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { tableToText } from "../tables/terminal.ts";

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

const ratioText = (ratio: number): string => ratio.toFixed(3);

const columns: readonly ColumnOf<PointRatio>[] = [
  left("point", ({ point }) => point),
  left("measure", ({ measure }) => measure),
  right("ratio", ({ ratio }) => ratioText(ratio)),
  right("95 % interval", ({ low, high }) =>
    low === null || high === null ? "too few restarts" : rangeText(low, high, ratioText),
  ),
  right("restarts", ({ restarts }) => `${restarts.base}, ${restarts.candidate}`),
  left("verdict", ({ verdict }) => verdict),
];

export function formatBenchComparison({ base, comparisons }: BenchComparison): string {
  return comparisons
    .map(({ candidate, ratios, apart }) => {
      const table = tableToText(tableOf(columns, ratios));
      return [`${candidate} over ${base}`, table, ...apart.map((line) => `not compared: ${line}`)].join("\n");
    })
    .join("\n\n");
}
