/** The tables of bench points, a table a bench folder. */
import { recordedPrecision } from "../records/recorded-precision.ts";
import type { BenchPoint, Machine, Rate } from "../records/bench/bench-record.ts";
import { amount, column, figure, figureText, megabytes, word } from "./report-table.ts";
import type { Cell, ReportTable } from "./report-table.ts";
import type { ReportBench } from "./report-data.ts";

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
    columns: [
      column("checkpoint", "checkpoint", "left"),
      column("precision", "precision", "left"),
      column("scenario", "scenario", "left"),
      column("batch", "batch_size"),
      column("threads", "threads"),
      column("result", "validity", "left"),
      column("samples/s", "samples_per_second"),
      column("tokens/s", "tokens_per_second"),
      column("pairs/s", "pairs_per_second"),
      ...percentiles.map((percentile) => column(`p${percentile} (ms)`, `p${percentile}_ms`)),
      column("early stopping (ms)", "early_stopping_ms"),
      column("first token p50 (ms)", "first_token_p50_ms"),
      column("queries/s held", "peak_queries_per_second"),
      column("load (s)", "load_s"),
      column("peak memory (MB)", "peak_memory_bytes"),
      column("energy (J)", "energy_joules"),
      column("same as accuracy run", "accuracy_check", "left"),
    ],
    rows: points.map(pointRow),
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

const percentiles = ["50", "90", "95", "99"];

function pointRow(point: BenchPoint): readonly Cell[] {
  const { checkpoint, scenario, batchSize, threads, throughput, latencyNs, accuracyCheck } = point;
  return [
    ...[checkpoint.name, recordedPrecision(point), scenario].map(word),
    amount(batchSize, 0),
    amount(threads, 0),
    validityOf(point),
    throughput.samplesPerSecond === null ? amount(null) : rateCell(throughput.samplesPerSecond),
    throughput.tokensPerSecond === null ? amount(null) : rateCell(throughput.tokensPerSecond),
    throughput.pairsPerSecond === null ? amount(null) : rateCell(throughput.pairsPerSecond),
    ...percentiles.map((percentile) => latencyCell(latencyNs?.percentiles[percentile])),
    figure(milliseconds(point.earlyStoppingLatencyNs)),
    figure(milliseconds(point.timeToFirstTokenNs?.percentiles["50"]?.value)),
    figure(point.peakQueriesPerSecond),
    figure(point.loadMs === null ? null : point.loadMs.value / 1000),
    megabytes(point.peakMemoryBytes),
    figure(point.energyJoules),
    accuracyCheck === null ? word("not checked") : word(`${accuracyCheck.equal} of ${accuracyCheck.compared}`),
  ];
}

function validityOf({ validity, invalidReasons }: BenchPoint): Cell {
  if (validity === "VALID") return { text: "VALID", value: "VALID", tone: "good" };
  const text = `INVALID: ${invalidReasons.join("; ")}`;
  return { text, value: text, tone: "bad" };
}

function rateCell({ value, low, high }: Rate): Cell {
  const range = low === null || high === null ? "" : ` (${figureText(low)} to ${figureText(high)})`;
  return { text: `${figureText(value)}${range}`, value };
}

/** In milliseconds; `unitNs`: of what is given. */
export function latencyCell(found: Rate | undefined, unitNs = 1): Cell {
  if (found === undefined) return amount(null);
  const ms = (value: number): number => (value * unitNs) / 1e6;
  const { value, low, high } = found;
  const range = low === null || high === null ? "" : ` (${figureText(ms(low))} to ${figureText(ms(high))})`;
  return { text: `${figureText(ms(value))}${range}`, value: ms(value) };
}

function milliseconds(nanoseconds: number | null | undefined): number | null {
  return nanoseconds === null || nanoseconds === undefined ? null : nanoseconds / 1e6;
}
