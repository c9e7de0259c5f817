/**
 * Run record and scores → rows → a table for the eye. The only place that rounds, and that turns fractions into percent:
 * two decimals, as the official VQA evaluation prints them.
 */
import { runName } from "../records/run-record.ts";
import type { RunRecord, ScoreSheet } from "../records/run-record.ts";
import { recordedPrecision } from "../records/recorded-precision.ts";

/** One metric of one run. Numbers are rounded and in `unit`; `value` is neither. */
export interface Row {
  readonly checkpoint: string;
  /** `fp32`, another precision, or several by part. */
  readonly precision: string;
  /** ONNX Runtime's provider: `cpu`, `cuda`, `webgpu`, … */
  readonly device: string;
  /** Of the device; null: the CPU, or not known. */
  readonly deviceName: string | null;
  readonly driver: string | null;
  /** Share of the graphs' nodes that ran on the device, as a fraction; null: the CPU, or not measured. */
  readonly onDevice: number | null;
  /** Nodes that ran on the CPU instead, by operator: `Gather 12, Shape 3`; null as before. */
  readonly onCpu: string | null;
  readonly task: string;
  readonly split: string;
  /** `paper`, `lavis`, or `custom` where flags replace some of its choices. */
  readonly protocol: string;
  readonly metric: string;
  readonly score: number | null;
  readonly standardError: number | null;
  /** 95 % interval. */
  readonly low: number | null;
  readonly high: number | null;
  readonly unit: "%" | "";
  readonly published: number | null;
  readonly publishedSource: string | null;
  readonly samples: number;
  readonly scored: number;
  readonly failed: number;
  /** `partial` where a sample has no prediction; such a row is no row of the split. */
  readonly status: "complete" | "partial";
  readonly value: number | null;
}

/** What a report is made from. */
export interface ScoredRun {
  readonly record: RunRecord;
  readonly scores: ScoreSheet;
}

export function rowsOf({ record, scores }: ScoredRun): readonly Row[] {
  const { counts } = scores;
  return scores.metrics.map((metric) => ({
    checkpoint: record.checkpoint.name,
    precision: recordedPrecision(record.config),
    ...deviceCells(record),
    task: record.config.task,
    split: record.data.split,
    protocol: Object.keys(record.config.overrides).length > 0 ? "custom" : record.config.protocol,
    metric: metric.name,
    score: rounded(metric.value),
    standardError: rounded(metric.standardError),
    low: rounded(metric.interval?.low),
    high: rounded(metric.interval?.high),
    unit: metric.unit === "fraction" ? "%" : "",
    published: rounded(metric.published?.value),
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
}: RunRecord): Pick<Row, "device" | "deviceName" | "driver" | "onDevice" | "onCpu"> {
  const placement = measured?.placement ?? null;
  return {
    device: config.device ?? "cpu",
    deviceName: device?.name ?? null,
    driver: device?.driver ?? null,
    onDevice: placement === null || placement.nodes === 0 ? null : placement.onDevice / placement.nodes,
    onCpu: placement === null ? null : byOperator(placement.onCpu),
  };
}

/** The most frequent first: `Gather 12, Shape 3` */
function byOperator(counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).sort(([a, most], [b, count]) => count - most || (a < b ? -1 : 1));
  return sorted.length === 0 ? "none" : sorted.map(([operator, count]) => `${operator} ${count}`).join(", ");
}

/** Both units are printed times 100: a fraction in percent, CIDEr as papers quote it. */
function rounded(value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : Number((value * 100).toFixed(2));
}

interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  readonly cell: (row: Row) => string;
}

const columns: readonly Column[] = [
  { title: "checkpoint", align: "left", cell: (row) => row.checkpoint },
  { title: "precision", align: "left", cell: (row) => row.precision },
  { title: "device", align: "left", cell: (row) => row.device },
  { title: "task", align: "left", cell: (row) => row.task },
  { title: "split", align: "left", cell: (row) => row.split },
  { title: "protocol", align: "left", cell: (row) => row.protocol },
  { title: "metric", align: "left", cell: (row) => row.metric },
  { title: "score", align: "right", cell: scoreCell },
  { title: "95 % interval", align: "right", cell: intervalCell },
  { title: "published", align: "right", cell: ({ published, unit }) => number(published, unit) },
  { title: "n", align: "right", cell: ({ scored }) => String(scored) },
  { title: "failed", align: "right", cell: ({ failed }) => String(failed) },
];

function scoreCell({ score, standardError, unit }: Row): string {
  if (score === null) return "none";
  return standardError === null ? number(score, unit) : `${number(score, "")} ± ${number(standardError, unit)}`;
}

function intervalCell({ low, high }: Row): string {
  return low === null || high === null ? "-" : `${number(low, "")} to ${number(high, "")}`;
}

function number(value: number | null, unit: string): string {
  return value === null ? "-" : `${value.toFixed(2)}${unit === "" ? "" : ` ${unit}`}`;
}

/** The table, and below it what it does not say: scores by type, and which runs are partial. No line end at the end. */
export function formatTable(runs: readonly ScoredRun[]): string {
  const rows = runs.flatMap(rowsOf);
  const usual: Readonly<Record<string, boolean>> = {
    precision: rows.every(({ precision }) => precision === "fp32"),
    device: rows.every(({ device }) => device === "cpu"),
  };
  const shown = columns.filter(({ title }) => usual[title] !== true);
  const cells = rows.map((row) => shown.map(({ cell }) => cell(row)));
  const table = formatColumns(
    shown.map(({ title }) => title),
    cells,
    shown.map(({ align }) => align),
  );
  const notes = runs.flatMap((run) => [...breakdownLines(run), ...deviceLines(run), ...partialLines(run)]);
  return [table, ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

/** Columns two spaces apart, as wide as their widest cell. */
export function formatColumns(
  titles: readonly string[],
  cells: readonly (readonly string[])[],
  aligns: readonly ("left" | "right")[] = [],
): string {
  const lines = [titles, ...cells];
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, column) => {
          const width = widths[column] ?? 0;
          return aligns[column] === "right" ? text.padStart(width) : text.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const mostGroups = 5; // answer types are three; question types, by the dozen, are in scores.json

function breakdownLines({ record, scores }: ScoredRun): string[] {
  const [headline] = scores.metrics;
  if (headline === undefined) return [];
  return Object.entries(headline.breakdown)
    .map(([name, groups]) => ({ name, groups: Object.entries(groups) }))
    .filter(({ groups }) => groups.length > 1 && groups.length <= mostGroups)
    .map(({ name, groups }) => {
      const unit = headline.unit === "fraction" ? "%" : "";
      const parts = groups.map(([group, { value, samples }]) => {
        return `${group} ${number(rounded(value), unit)} (n ${samples})`;
      });
      return `${runName(record)}: ${headline.name} by ${name}: ${parts.join(", ")}`;
    });
}

/** Which device it was, and what of the model it computed. */
function deviceLines({ record }: ScoredRun): string[] {
  if (record.device === undefined) return [];
  const { name, driver } = record.device;
  const where = `${name ?? "a device that does not tell its name"}${driver === null ? "" : `, driver ${driver}`}`;
  const placement = record.measured?.placement;
  if (placement === undefined) return [`${runName(record)}: on ${where}.`];
  const share = ((100 * placement.onDevice) / Math.max(1, placement.nodes)).toFixed(1);
  const others = `on the CPU: ${byOperator(placement.onCpu)}`;
  return [
    `${runName(record)}: on ${where}: ${placement.onDevice} of ${placement.nodes} nodes (${share} %); ${others}.`,
  ];
}

function partialLines({ record, scores }: ScoredRun): string[] {
  const { samples, scored, failed, missing } = scores.counts;
  if (scored === samples) return [];
  const parts = [
    ...(failed > 0 ? [`${failed} of ${samples} samples failed`] : []),
    ...(missing > 0 ? [`${missing} of ${samples} were not asked`] : []),
  ];
  return [`${runName(record)}: partial: ${parts.join(", ")}; scored on the other ${scored}.`];
}
