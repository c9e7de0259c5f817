/** The charts of a bench folder. INVALID points are in its table only. */
import type { BenchPoint } from "../records/bench/bench-record.ts";
import type { Chart, ChartRow } from "../charts/chart.ts";
import { pointsPerUnsaidUnit } from "../records/metric-unit.ts";
import { figureText } from "../tables/numbers.ts";
import type { ReportBench } from "./report-data.ts";
import { paretoFront } from "./pareto.ts";
import { familyColor, pointName } from "./run-names.ts";
import {
  largestStages,
  legendOfFamilies,
  percentileLegend,
  rangeOf,
  rowsOrNone,
  stackLegend,
  stageRow,
} from "./run-charts.ts";

export function benchCharts(bench: ReportBench): readonly Chart[] {
  const valid = bench.points.filter(({ validity }) => validity === "VALID");
  const scenarios = [...new Set(valid.map(({ scenario }) => scenario))];
  return scenarios.flatMap((scenario) => {
    const points = valid.filter((point) => point.scenario === scenario);
    const of = { id: `${bench.id}-${scenario}`, note: noteOf(bench, scenario), points };
    return [throughputChart(of), latencyChart(of), paretoChart(of), stagesChart(of)].filter((chart) => chart !== null);
  });
}

interface Points {
  readonly id: string;
  readonly note: string;
  readonly points: readonly BenchPoint[];
}

function noteOf({ id, record }: ReportBench, scenario: string): string {
  const parts = [`Bench ${id.replace("bench-", "")}, ${record.task} ${record.data.split}, ${scenario}`];
  if (record.quick) parts.push("QUICK: below LoadGen's minimum durations");
  return `${parts.join(". ")}.`;
}

function throughputChart({ id, note, points }: Points): Chart | null {
  const rows = points.flatMap((point): readonly ChartRow[] => {
    const { samplesPerSecond } = point.throughput;
    if (samplesPerSecond === null) return []; // an INVALID point, which is in the table only
    const { value, low, high } = samplesPerSecond;
    const row: ChartRow = {
      label: pointName(point, points),
      text: `${figureText(value)} a second${bracketed(low, high)}`,
      bars: [{ value, color: familyColor(point.checkpoint.family) }],
      line: low === null || high === null ? null : { low, high },
      points: [],
    };
    return [row];
  });
  return rowsOrNone({
    kind: "rows",
    id: `${id}-throughput`,
    title: "Throughput",
    note: `${note} Lines: from the slowest to the fastest restart.`,
    legend: legendOfFamilies(points.map(({ checkpoint }) => checkpoint.family)),
    x: { title: "samples a second", scale: "linear", fromZero: true },
    rows,
  });
}

function bracketed(low: number | null, high: number | null): string {
  return low === null || high === null ? "" : `  [${figureText(low)}, ${figureText(high)}]`;
}

const shapes = { "50": "circle", "90": "square", "99": "tick" } as const;

function latencyChart({ id, note, points }: Points): Chart | null {
  const rows = points.map((point): ChartRow => {
    const color = familyColor(point.checkpoint.family);
    const marks = (["50", "90", "99"] as const).flatMap((percentile) => {
      const found = point.latencyNs?.percentiles[percentile];
      return found === undefined ? [] : [{ value: found.value / 1e6, color, shape: shapes[percentile] }];
    });
    const text = `${marks.map(({ value }) => figureText(value)).join(" / ")} ms`;
    return { label: pointName(point, points), text, bars: [], line: rangeOf(marks), points: marks };
  });
  return rowsOrNone({
    kind: "rows",
    id: `${id}-latency`,
    title: "Latency of a query: p50 / p90 / p99",
    note: `${note} From the scheduled time to the answer; the intervals of each are in the table.`,
    legend: percentileLegend(),
    x: { title: "latency (ms)", scale: "log", fromZero: false },
    rows,
  });
}

function paretoChart({ id, note, points }: Points): Chart | null {
  const scored = points.flatMap((point) => {
    const { accuracy, throughput } = point;
    const speed = throughput.samplesPerSecond?.value;
    return accuracy === null || speed === undefined ? [] : [{ point, accuracy, speed }];
  });
  const [first] = scored;
  if (first === undefined || scored.length < 2) return null;
  const isOnFront = paretoFront(scored.map(({ speed, accuracy }) => ({ speed, score: accuracy.value })));
  // 95 % of a normal distribution; Student's t needs the number of clusters, which the record does not hold
  const around = 1.96;
  return {
    kind: "scatter",
    id: `${id}-pareto`,
    title: `${first.accuracy.metric} against speed`,
    note: `${note} The line joins the Pareto front; intervals of the score, 95 %.`,
    legend: legendOfFamilies(points.map(({ checkpoint }) => checkpoint.family)),
    x: { title: "samples a second", scale: "log", fromZero: false },
    y: { title: `${first.accuracy.metric} (× ${pointsPerUnsaidUnit})`, scale: "linear", fromZero: false },
    points: scored.map(({ point, speed, accuracy: { value, standardError } }, index) => ({
      label: pointName(point, points),
      x: speed,
      y: Number((pointsPerUnsaidUnit * value).toFixed(4)),
      low: standardError === null ? null : pointsPerUnsaidUnit * (value - around * standardError),
      high: standardError === null ? null : pointsPerUnsaidUnit * (value + around * standardError),
      color: familyColor(point.checkpoint.family),
      shape: "circle",
      isOnFront: isOnFront[index] ?? false,
    })),
  };
}

function stagesChart({ id, note, points }: Points): Chart | null {
  const meansOf = ({ stagesMs }: BenchPoint): Readonly<Record<string, number>> =>
    Object.fromEntries(Object.entries(stagesMs).map(([stage, { mean }]) => [stage, mean]));
  const stages = largestStages(points.map(meansOf));
  if (stages.length === 0) return null;
  const rows = points.map((point) => stageRow(pointName(point, points), stages, meansOf(point)));
  return rowsOrNone({
    kind: "rows",
    id: `${id}-stages`,
    title: "Where the time goes",
    note: `${note} Mean milliseconds a sample, by stage.`,
    legend: stackLegend(stages),
    x: { title: "time a sample (ms)", scale: "linear", fromZero: true },
    rows,
  });
}
