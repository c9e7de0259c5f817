/** Bench points → the table that ends a sweep. Numbers over several processes have the lowest and the highest behind them. */
import { recordedPrecision } from "../records/recorded-precision.ts";
import type { BenchPoint, BenchRecord, Rate } from "../records/bench/bench-record.ts";
import { formatColumns } from "./table.ts";

type Align = "left" | "right";
const columns: readonly (readonly [title: string, align: Align, cell: (point: BenchPoint) => string])[] = [
  ["checkpoint", "left", ({ checkpoint }) => checkpoint.name],
  ["precision", "left", recordedPrecision],
  ["scenario", "left", ({ scenario }) => scenario],
  ["batch", "right", ({ batchSize }) => String(batchSize)],
  ["threads", "right", ({ threads }) => String(threads)],
  ["samples/s", "right", ({ throughput }) => rateCell(throughput.samplesPerSecond)],
  [
    "p50 ms",
    "right",
    ({ latencyNs, scenario }) => (scenario === "offline" ? "-" : ms(latencyNs?.percentiles["50"]?.value)),
  ],
  [
    "p90 ms",
    "right",
    ({ latencyNs, scenario }) => (scenario === "offline" ? "-" : ms(latencyNs?.percentiles["90"]?.value)),
  ],
  [
    "p99 ms",
    "right",
    ({ latencyNs, scenario }) => (scenario === "offline" ? "-" : ms(latencyNs?.percentiles["99"]?.value)),
  ],
  [
    "first token ms",
    "right",
    ({ timeToFirstTokenNs, scenario }) =>
      scenario === "offline" ? "-" : ms(timeToFirstTokenNs?.percentiles["50"]?.value),
  ],
  ["pairs/s", "right", ({ throughput }) => rateCell(throughput.pairsPerSecond)],
  [
    "peak/s",
    "right",
    ({ peakQueriesPerSecond }) => (peakQueriesPerSecond === null ? "-" : digits(peakQueriesPerSecond)),
  ],
  [
    "MB",
    "right",
    ({ peakMemoryBytes }) => (peakMemoryBytes === null ? "not measured" : (peakMemoryBytes / 1e6).toFixed(0)),
  ],
  ["J", "right", ({ energyJoules }) => (energyJoules === null ? "-" : digits(energyJoules))],
  ["score", "right", ({ accuracy }) => (accuracy === null ? "-" : (100 * accuracy.value).toFixed(2))],
  [
    "same answers",
    "right",
    ({ accuracyCheck: check }) => (check === null ? "-" : `${check.equal} of ${check.compared}`),
  ],
  ["result", "left", ({ validity }) => validity],
];

/** The table, and below it why points are INVALID and what was not quiet. No line end at the end. */
export function formatBenchTable({ quick, machine }: BenchRecord, points: readonly BenchPoint[]): string {
  /** Columns that only some points fill, and whether any does. */
  const filled = new Map([
    ["first token ms", points.some(({ timeToFirstTokenNs }) => timeToFirstTokenNs !== null)],
    ["pairs/s", points.some(({ throughput }) => throughput.pairsPerSecond !== null)],
    ["J", points.some(({ energyJoules }) => energyJoules !== null)],
    ["peak/s", points.some(({ peakQueriesPerSecond }) => peakQueriesPerSecond !== null)],
  ]);
  const shown = columns.filter(([title]) => filled.get(title) ?? true);
  const table = formatColumns(
    shown.map(([title]) => title),
    points.map((point) => shown.map(([, , cell]) => cell(point))),
    shown.map(([, align]) => align),
  );
  const notes = [
    ...points.flatMap(({ name, invalidReasons }) => invalidReasons.map((reason) => `${name}: INVALID: ${reason}`)),
    ...points.flatMap(({ name, warmUp, queries }) =>
      warmUp.steady || queries === 0 ? [] : [`${name}: not steady after ${warmUp.queries} queries of warm-up`],
    ),
    ...(points.some(({ energyJoules }) => energyJoules !== null) ? [] : ["Energy: not measured."]),
    ...machine.warnings.map((warning) => `The machine was not quiet: ${warning}.`),
    ...(quick ? ["A quick run: below LoadGen's minimum durations and counts, for daily use only."] : []),
    "LoadGen-compatible: scenarios, statistics and rules are those of MLPerf LoadGen.",
  ];
  return [table, "", ...notes].join("\n");
}

function rateCell(rate: Rate | null): string {
  if (rate === null) return "-";
  const { value, low, high } = rate;
  return low === null || high === null ? digits(value) : `${digits(value)} (${digits(low)} to ${digits(high)})`;
}

function ms(nanoseconds: number | undefined): string {
  return nanoseconds === undefined ? "-" : digits(nanoseconds / 1e6);
}

/** Three digits, or all before the point. */
export function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
