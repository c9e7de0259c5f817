/** The tables of bench points, one for each bench folder. */
import { recordedPrecision } from "../records/recorded-precision.ts";
import type { BenchPoint, Machine, Rate } from "../records/bench/bench-record.ts";
import { amount, figure, megabytes, rangedFigure } from "../tables/cells.ts";
import { figureText } from "../tables/numbers.ts";
import { left, right, tableOf } from "../tables/table.ts";
import type { Cell, ColumnOf } from "../tables/table.ts";
import type { ReportBench } from "./report-data.ts";
import type { ReportTable } from "./report-table.ts";

export function benchTable({ id, folder, record, points }: ReportBench): ReportTable {
  const { machine } = record;
  const notes = [
    `${folder}, ${record.task} ${record.data.split}, on ${machine.model}, ${machine.cores} cores.`,
    machineText(machine),
    ...(points.some(({ energyJoules }) => energyJoules !== null) ? [] : ["Energy: not measured."]),
    ...(record.quick ? ["QUICK: shorter than LoadGen's minimum durations and counts."] : []),
    ...(points.length < record.points.length
      ? [`${points.length} of ${record.points.length} points are measured.`]
      : []),
    ...machine.warnings.map((warning) => `Not a quiet machine: ${warning}.`),
    "LoadGen-compatible, not an MLPerf result. Latency counts from the scheduled time, with distribution-free 95 % intervals.",
  ];
  return {
    id: `${id}-points`,
    title: `Bench ${id.replace("bench-", "")}: ${record.task}`,
    note: notes.join(" "),
    ...tableOf(pointColumns, points),
  };
}

/** `Governor not told, load 0.4 before the first point, other processes 1.2 % of the processors' time.` */
function machineText({ governor, load, neighbours }: Machine): string {
  const others = neighbours === null ? "not measured" : `${figureText(100 * neighbours)} % of the processors' time`;
  return (
    `Governor ${governor ?? "not told"}, load ${load === null ? "not told" : figureText(load)} before the first point, ` +
    `other processes ${others}.`
  );
}

/** The latency percentiles that LoadGen reports, except the highest. */
export const benchPercentiles = ["50", "90", "95", "99"];

const pointColumns: readonly ColumnOf<BenchPoint>[] = [
  left("checkpoint", ({ checkpoint }) => checkpoint.name),
  left("precision", recordedPrecision),
  left("scenario", ({ scenario }) => scenario),
  right("batch", ({ batchSize }) => amount(batchSize, 0), "batch_size"),
  right("threads", ({ threads }) => amount(threads, 0)),
  left("result", validityCell, "validity"),
  right("samples/s", ({ throughput }) => rangedFigure(throughput.samplesPerSecond), "samples_per_second"),
  right("tokens/s", ({ throughput }) => rangedFigure(throughput.tokensPerSecond), "tokens_per_second"),
  right("pairs/s", ({ throughput }) => rangedFigure(throughput.pairsPerSecond), "pairs_per_second"),
  ...benchPercentiles.map((percentile) =>
    right<BenchPoint>(
      `p${percentile} (ms)`,
      ({ latencyNs }) => rangedFigure(inMilliseconds(latencyNs?.percentiles[percentile])),
      `p${percentile}_ms`,
    ),
  ),
  right("early stopping (ms)", ({ earlyStoppingLatencyNs: ns }) => figure(ns && ns / 1e6), "early_stopping_ms"),
  right(
    "first token p50 (ms)",
    ({ timeToFirstTokenNs }) => figure(inMilliseconds(timeToFirstTokenNs?.percentiles["50"])?.value),
    "first_token_p50_ms",
  ),
  right("queries/s held", ({ peakQueriesPerSecond }) => figure(peakQueriesPerSecond), "peak_queries_per_second"),
  right("load (s)", ({ loadMs }) => figure(loadMs && loadMs.value / 1000), "load_s"),
  right("peak memory (MB)", ({ peakMemoryBytes }) => megabytes(peakMemoryBytes), "peak_memory_bytes"),
  right("energy (J)", ({ energyJoules }) => figure(energyJoules), "energy_joules"),
  left(
    "same as accuracy run",
    ({ accuracyCheck: check }) => (check === null ? "not checked" : `${check.equal} of ${check.compared}`),
    "accuracy_check",
  ),
];

function validityCell({ validity, invalidReasons }: BenchPoint): Cell {
  if (validity === "VALID") return { text: "VALID", value: "VALID", tone: "good" };
  const text = `INVALID: ${invalidReasons.join("; ")}`;
  return { text, value: text, tone: "bad" };
}

/** Converts a rate to milliseconds. `unitNs`: number of nanoseconds in the unit of `rate`. */
export function inMilliseconds(rate: Rate | undefined, unitNs = 1): Rate | undefined {
  if (rate === undefined) return undefined;
  const { value, low, high } = rate;
  const ms = (time: number): number => (time * unitNs) / 1e6;
  return { value: ms(value), low: low === null ? null : ms(low), high: high === null ? null : ms(high) };
}
