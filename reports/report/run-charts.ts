/**
 * The charts of runs: for each group of runs on equal samples, scores, speed, latency, score against speed, and time by
 * stage.
 */
import type { Chart, ChartRow, LegendEntry, RowsChart } from "../charts/chart.ts";
import { colorAt } from "../charts/chart.ts";
import { unitsBySign } from "../records/metric-unit.ts";
import { axisTitle, withUnit } from "../tables/metric-numbers.ts";
import { figureText, grouped } from "../tables/numbers.ts";
import { frontRuns } from "./pareto.ts";
import type { ReportRun } from "./report-data.ts";
import { familyColor, familyLabel, groupNote, groupTitle, runNames } from "./run-names.ts";

/** Runs on equal samples; `id` becomes part of file names. */
export interface RunGroup {
  readonly id: string;
  readonly runs: readonly ReportRun[];
}

export function scoreChart({ id, runs }: RunGroup): Chart | null {
  const names = runNames(runs);
  const isPublished = runs.some(({ rows: [row] }) => row !== undefined && row.published !== null);
  const rows = runs.flatMap((run): ChartRow[] => {
    const [row] = run.rows;
    if (row === undefined || row.score === null) return [];
    const { score, low, high, published, unit } = row;
    const range = low === null || high === null ? "" : `  [${grouped(low, 1)}, ${grouped(high, 1)}]`;
    return [
      {
        label: names.get(run.id) ?? run.id,
        text: `${withUnit(grouped(score, 2), unitsBySign[unit])}${range}`,
        bars: [],
        line: low === null || high === null ? null : { low, high },
        points: [
          ...(published === null ? [] : [{ value: published, color: publishedColor, shape: "diamond" as const }]),
          { value: score, color: familyColor(run.record.checkpoint.family), shape: "circle" },
        ],
      },
    ];
  });
  const metric = runs[0]?.rows[0];
  if (rows.length === 0 || metric === undefined) return null;
  return {
    kind: "rows",
    id: `score-${id}`,
    title: `${metric.metric} on ${metric.task} ${metric.split}`,
    note: `${groupNote(runs)}. Bars: 95 % intervals.`,
    legend: [...familyLegend(runs), ...(isPublished ? [publishedEntry] : [])],
    x: { title: axisTitle(metric.metric, unitsBySign[metric.unit]), scale: "linear", fromZero: false },
    rows,
  };
}

const publishedColor = 4; // orange, which is the colour of no model family
const publishedEntry: LegendEntry = { label: "published", color: publishedColor, shape: "diamond" };

export function throughputChart({ id, runs }: RunGroup): Chart | null {
  const names = runNames(runs);
  const rows = timed(runs).map(({ run, latency }): ChartRow => {
    const value = latency.samplesPerSecond;
    const color = familyColor(run.record.checkpoint.family);
    const text = `${figureText(value)} a second`;
    return { label: names.get(run.id) ?? run.id, text, bars: [{ value, color }], line: null, points: [] };
  });
  return rowsOrNone({
    kind: "rows",
    id: `throughput-${id}`,
    title: `Throughput: ${groupTitle(runs)}`,
    note: `${groupNote(runs)}. Samples a second of computing; runs show no interval, bench points do.`,
    legend: familyLegend(runs),
    x: { title: "samples a second", scale: "linear", fromZero: true },
    rows,
  });
}

/** Percentiles and their marks, from fast to slow. */
const latencyMarks = [
  { percentile: "50", shape: "circle" },
  { percentile: "90", shape: "square" },
  { percentile: "99", shape: "tick" },
] as const;

export function latencyChart({ id, runs }: RunGroup): Chart | null {
  const names = runNames(runs);
  const rows = timed(runs).map(({ run, latency }): ChartRow => {
    const color = familyColor(run.record.checkpoint.family);
    const points = latencyMarks.flatMap(({ percentile, shape }) => {
      const found = latency.sampleMs.percentiles[percentile];
      return found === undefined ? [] : [{ value: found.value, color, shape }];
    });
    const text = points.map(({ value }) => figureText(value)).join(" / ");
    return { label: names.get(run.id) ?? run.id, text: `${text} ms`, bars: [], line: rangeOf(points), points };
  });
  return rowsOrNone({
    kind: "rows",
    id: `latency-${id}`,
    title: `Latency: ${groupTitle(runs)}`,
    note: `${groupNote(runs)}. Milliseconds at p50 / p90 / p99, all stages together, a sample's share of its batch.`,
    legend: percentileLegend(),
    x: { title: "time a sample (ms)", scale: "log", fromZero: false },
    rows,
  });
}

export function rangeOf(points: readonly { readonly value: number }[]): ChartRow["line"] {
  if (points.length < 2) return null;
  const values = points.map(({ value }) => value);
  return { low: Math.min(...values), high: Math.max(...values) };
}

export function percentileLegend(): readonly LegendEntry[] {
  return latencyMarks.map(({ percentile, shape }) => ({ label: `p${percentile}`, color: inkColor, shape }));
}

const inkColor = 6;

export function paretoChart({ id, runs }: RunGroup): Chart | null {
  const names = runNames(runs);
  const front = frontRuns(runs);
  const points = timed(runs).flatMap(({ run, latency }) => {
    const [row] = run.rows;
    if (row === undefined || row.score === null) return [];
    return [
      {
        label: names.get(run.id) ?? run.id,
        x: latency.samplesPerSecond,
        y: row.score,
        low: row.low,
        high: row.high,
        color: familyColor(run.record.checkpoint.family),
        shape: "circle" as const,
        isOnFront: front.has(run.id),
      },
    ];
  });
  const metric = runs[0]?.rows[0];
  if (points.length < 2 || metric === undefined) return null;
  return {
    kind: "scatter",
    id: `pareto-${id}`,
    title: `${metric.metric} against speed: ${groupTitle(runs)}`,
    note: `${groupNote(runs)}. The line joins the Pareto front; intervals of the score, 95 %.`,
    legend: familyLegend(runs),
    x: { title: "samples a second", scale: "log", fromZero: false },
    y: { title: axisTitle(metric.metric, unitsBySign[metric.unit]), scale: "linear", fromZero: false },
    points,
  };
}

const mostCurves = 7; // the number of colours

export function distributionChart({ id, runs }: RunGroup): Chart | null {
  const names = runNames(runs);
  const shown = timed(runs).slice(0, mostCurves);
  if (shown.length === 0) return null;
  const curves = shown.map(({ run, latency }, index) => ({
    label: names.get(run.id) ?? run.id,
    color: colorAt(index),
    points: latency.curve.map(({ value, share }) => ({ x: value, y: share })).filter(({ x }) => x > 0),
  }));
  const left = timed(runs).length - shown.length;
  return {
    kind: "curves",
    id: `distribution-${id}`,
    title: `Latency distribution: ${groupTitle(runs)}`,
    note: `${groupNote(runs)}. Share of samples at most so slow.${left > 0 ? ` The first ${mostCurves} runs; ${left} more are in the table.` : ""}`,
    legend: curves.map(({ label, color }) => ({ label, color, shape: "square" })),
    x: { title: "time a sample (ms)", scale: "log", fromZero: false },
    y: { title: "share of samples", scale: "linear", fromZero: true },
    curves,
  };
}

export function stagesChart({ id, runs }: RunGroup): Chart | null {
  const names = runNames(runs);
  const stages = largestStages(timed(runs).map(({ latency }) => stageMeans(latency)));
  const rows = timed(runs).map(({ run, latency }) => {
    return stageRow(names.get(run.id) ?? run.id, stages, stageMeans(latency));
  });
  return rowsOrNone({
    kind: "rows",
    id: `stages-${id}`,
    title: `By stage: ${groupTitle(runs)}`,
    note: `${groupNote(runs)}. Mean milliseconds a sample, by stage.`,
    legend: stackLegend(stages),
    x: { title: "time a sample (ms)", scale: "linear", fromZero: true },
    rows,
  });
}

/** Mean of each stage over all samples; it counts 0 for samples without the stage. */
function stageMeans({ sampleMs, stagesMs }: NonNullable<ReportRun["latency"]>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(stagesMs).map(([stage, { mean, count }]) => [stage, (mean * count) / sampleMs.count]),
  );
}

const mostStages = 6; // the others are shown together, which makes seven colours

/** Names of the largest stages over all runs, in the order of the pipeline. */
export function largestStages(means: readonly Readonly<Record<string, number>>[]): readonly string[] {
  const totals = new Map<string, number>();
  for (const mean of means) {
    for (const [stage, value] of Object.entries(mean)) totals.set(stage, (totals.get(stage) ?? 0) + value);
  }
  const largest = [...totals].sort(([, a], [, b]) => b - a).slice(0, mostStages);
  const kept = new Set(largest.map(([stage]) => stage));
  return [...totals.keys()].filter((stage) => kept.has(stage)); // in the order of the pipeline
}

/** A row of the chart. `meansMs`: mean of every stage; those that are not in `stages` are added up at the end. */
export function stageRow(
  label: string,
  stages: readonly string[],
  meansMs: Readonly<Record<string, number>>,
): ChartRow {
  const total = sumOf(Object.values(meansMs));
  const named = stages.map((stage) => meansMs[stage] ?? 0);
  const bars = [...named, total - sumOf(named)].map((value, index) => ({
    value: Math.max(0, value),
    color: colorAt(index),
  }));
  return { label, text: `${figureText(total)} ms`, bars, line: null, points: [] };
}

export function stackLegend(stages: readonly string[]): readonly LegendEntry[] {
  return [...stages, "others"].map((label, index) => ({ label, color: colorAt(index), shape: "square" }));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

export function rowsOrNone(chart: RowsChart): RowsChart | null {
  return chart.rows.length === 0 ? null : chart;
}

function timed(runs: readonly ReportRun[]): readonly { run: ReportRun; latency: NonNullable<ReportRun["latency"]> }[] {
  return runs.flatMap((run) => (run.latency === null ? [] : [{ run, latency: run.latency }]));
}

function familyLegend(runs: readonly ReportRun[]): readonly LegendEntry[] {
  return legendOfFamilies(runs.map(({ record }) => record.checkpoint.family));
}

export function legendOfFamilies(families: readonly string[]): readonly LegendEntry[] {
  return [...new Set(families)].map((family) => ({
    label: familyLabel(family),
    color: familyColor(family),
    shape: "circle",
  }));
}
