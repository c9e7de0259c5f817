/** Bench folders compared with a base: ratios of speed, load time and memory at each point, as a table and as JSON. */
import { rangeText } from "../tables/numbers.ts";
import { left, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { tableToText } from "../tables/terminal.ts";

export const benchComparisonFormat = "blip2-bench-bench-comparison/1";

/** One measure at one point, measured in both benches. */
export interface PointRatio {
  readonly point: string;
  readonly measure: "median latency" | "tail latency" | "samples a second" | "load time" | "peak memory";
  /** Median over the candidate's process restarts, divided by that of the base. */
  readonly ratio: number;
  /** Lower end of the 95 % interval over restarts; null: there are too few restarts for one. */
  readonly low: number | null;
  readonly high: number | null;
  readonly restarts: { readonly base: number; readonly candidate: number };
  /** `better` or `worse` where the interval excludes 1. */
  readonly verdict: "better" | "worse" | "-";
}

export interface BenchComparison {
  readonly format: typeof benchComparisonFormat;
  readonly base: string;
  readonly comparisons: readonly {
    readonly candidate: string;
    readonly ratios: readonly PointRatio[];
    /** Sentences that name points which are not compared, with the reason. */
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
