/** Makes rows from a run's record and scores: each is one metric of one run, in points and rounded for tables. */
import { metricUnits } from "../records/metric-unit.ts";
import type { UnitSign } from "../records/metric-unit.ts";
import { recordedPrecision } from "../records/recorded-precision.ts";
import { protocolName } from "../records/run-record.ts";
import type { RunRecord, ScoreSheet } from "../records/run-record.ts";
import { tableToCsv } from "../tables/csv.ts";
import { roundedPoints } from "../tables/metric-numbers.ts";
import { left, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";

/** One metric of one run. Scores are in points and rounded; `value` is neither. */
export interface ScoreRow {
  readonly checkpoint: string;
  /** `fp32`, another precision, or several by part. */
  readonly precision: string;
  /** ONNX Runtime's provider: `cpu`, `cuda`, `webgpu`, … */
  readonly device: string;
  /** Name of the device as its driver reports it; null: the CPU, or not known. */
  readonly deviceName: string | null;
  readonly driver: string | null;
  /** Share of the graphs' nodes that ran on the device, 0 to 1; null: it ran on the CPU, or was not measured. */
  readonly onDevice: number | null;
  /**
   * Nodes that ran on the CPU although the model is on a device, by operator: `Gather 12, Shape 3`; null where
   * `onDevice` is null.
   */
  readonly onCpu: string | null;
  readonly task: string;
  readonly split: string;
  /** `paper`, `lavis`, or `custom` where flags replace some of its choices. */
  readonly protocol: string;
  readonly metric: string;
  readonly score: number | null;
  readonly standardError: number | null;
  /** Lower end of the 95 % interval; null: unknown. */
  readonly low: number | null;
  readonly high: number | null;
  readonly unit: UnitSign;
  readonly published: number | null;
  readonly publishedSource: string | null;
  readonly samples: number;
  readonly scored: number;
  readonly failed: number;
  /** `partial` where a sample has no prediction; such a row is not a score of the whole split. */
  readonly status: "complete" | "partial";
  readonly value: number | null;
}

/** A run with its scores. */
export interface ScoredRun {
  readonly record: RunRecord;
  readonly scores: ScoreSheet;
}

export function scoreRowsOf({ record, scores }: ScoredRun): readonly ScoreRow[] {
  const { counts } = scores;
  return scores.metrics.map((metric) => ({
    checkpoint: record.checkpoint.name,
    precision: recordedPrecision(record.config),
    ...deviceCells(record),
    task: record.config.task,
    split: record.data.split,
    protocol: protocolName(record.config),
    metric: metric.name,
    score: roundedPoints(metric.value, metric.unit),
    standardError: roundedPoints(metric.standardError, metric.unit),
    low: roundedPoints(metric.interval?.low, metric.unit),
    high: roundedPoints(metric.interval?.high, metric.unit),
    unit: metricUnits[metric.unit].sign,
    published: roundedPoints(metric.published?.value, metric.unit),
    publishedSource: metric.published?.source ?? null,
    samples: counts.samples,
    scored: counts.scored,
    failed: counts.failed,
    status: counts.scored === counts.samples ? "complete" : "partial",
    value: metric.value,
  }));
}

function deviceCells({
  config,
  device,
  measured,
}: RunRecord): Pick<ScoreRow, "device" | "deviceName" | "driver" | "onDevice" | "onCpu"> {
  const placement = measured?.placement ?? null;
  return {
    device: config.device ?? "cpu",
    deviceName: device?.name ?? null,
    driver: device?.driver ?? null,
    onDevice: placement === null || placement.nodes === 0 ? null : placement.onDevice / placement.nodes,
    onCpu: placement === null ? null : byOperator(placement.onCpu),
  };
}

/** Counts by operator as text, the most frequent first: `Gather 12, Shape 3` */
export function byOperator(counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).sort(([a, most], [b, count]) => count - most || (a < b ? -1 : 1));
  return sorted.length === 0 ? "none" : sorted.map(([operator, count]) => `${operator} ${count}`).join(", ");
}

/** The columns of rows.csv, in order. */
const scoreRowColumns: readonly ColumnOf<ScoreRow>[] = [
  left("checkpoint", (row) => row.checkpoint),
  left("precision", (row) => row.precision),
  left("task", (row) => row.task),
  left("split", (row) => row.split),
  left("protocol", (row) => row.protocol),
  left("metric", (row) => row.metric),
  right("score", (row) => row.score),
  right("standard_error", (row) => row.standardError),
  right("interval_low", (row) => row.low),
  right("interval_high", (row) => row.high),
  left("unit", (row) => row.unit),
  right("published", (row) => row.published),
  left("published_source", (row) => row.publishedSource),
  right("samples", (row) => row.samples),
  right("scored", (row) => row.scored),
  right("failed", (row) => row.failed),
  left("status", (row) => row.status),
  right("value", (row) => row.value),
  left("device", (row) => row.device),
  left("device_name", (row) => row.deviceName),
  left("driver", (row) => row.driver),
  right("nodes_on_device", (row) => row.onDevice),
  left("nodes_on_cpu", (row) => row.onCpu),
];

export function scoreRowsToCsv(rows: readonly ScoreRow[]): string {
  return tableToCsv(tableOf(scoreRowColumns, rows));
}
