/**
 * The table of bench points that is printed at the end of a sweep. A number over several processes is followed by the
 * lowest and the highest.
 */
import type { BenchPoint, BenchRecord, Distribution, Rate } from "../records/bench/bench-record.ts";
import { pointsPerUnsaidUnit } from "../records/metric-unit.ts";
import { recordedPrecision } from "../records/recorded-precision.ts";
import { threeDigits, withRange } from "../tables/numbers.ts";
import { left, onlyWhere, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { tableToText } from "../tables/terminal.ts";

const columns: readonly ColumnOf<BenchPoint>[] = [
  left("checkpoint", ({ checkpoint }) => checkpoint.name),
  left("precision", recordedPrecision),
  left("scenario", ({ scenario }) => scenario),
  right("batch", ({ batchSize }) => batchSize),
  right("threads", ({ threads }) => threads),
  right("samples/s", ({ throughput }) => rateText(throughput.samplesPerSecond)),
  ...["50", "90", "99"].map((percentile) =>
    right<BenchPoint>(`p${percentile} ms`, (point) => percentileOf(point, point.latencyNs, percentile)),
  ),
  onlyWhere(
    ({ timeToFirstTokenNs }) => timeToFirstTokenNs !== null,
    right("first token ms", (point) => percentileOf(point, point.timeToFirstTokenNs, "50")),
  ),
  onlyWhere(
    ({ throughput }) => throughput.pairsPerSecond !== null,
    right("pairs/s", ({ throughput }) => rateText(throughput.pairsPerSecond)),
  ),
  onlyWhere(
    ({ peakQueriesPerSecond }) => peakQueriesPerSecond !== null,
    right("peak/s", ({ peakQueriesPerSecond: peak }) => (peak === null ? null : threeDigits(peak))),
  ),
  right("MB", ({ peakMemoryBytes: peak }) => (peak === null ? "not measured" : (peak / 1e6).toFixed(0))),
  onlyWhere(
    ({ energyJoules }) => energyJoules !== null,
    right("J", ({ energyJoules }) => (energyJoules === null ? null : threeDigits(energyJoules))),
  ),
  right("score", ({ accuracy }) => (accuracy === null ? null : (pointsPerUnsaidUnit * accuracy.value).toFixed(2))),
  right("same answers", ({ accuracyCheck: check }) => check && `${check.equal} of ${check.compared}`),
  left("result", ({ validity }) => validity),
];

/**
 * The table, and below it the reasons for INVALID points and warnings about other load on the machine. No final line
 * end.
 */
export function formatBenchTable({ quick, machine }: BenchRecord, points: readonly BenchPoint[]): string {
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
  return [tableToText(tableOf(columns, points)), "", ...notes].join("\n");
}

function rateText(rate: Rate | null): string | null {
  return rate === null ? null : withRange(rate, threeDigits);
}

/**
 * A percentile in milliseconds; null for Offline, where all samples are one query and single latencies have no meaning.
 */
function percentileOf({ scenario }: BenchPoint, times: Distribution | null, percentile: string): string | null {
  const found = scenario === "offline" ? undefined : times?.percentiles[percentile];
  return found === undefined ? null : threeDigits(found.value / 1e6);
}
