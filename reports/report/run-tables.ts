/** The tables of scores. */
import { amount, interval, scoreCell, scoreDifferenceCell, scoreIntervalCell } from "../tables/cells.ts";
import { grouped } from "../tables/numbers.ts";
import { columnsOfPart, left, right, tableOf } from "../tables/table.ts";
import type { Cell, ColumnOf } from "../tables/table.ts";
import { frontRuns } from "./pareto.ts";
import type { Apart, Report, ReportComparison, ReportRun } from "./report-data.ts";
import type { ReportTable } from "./report-table.ts";
import { metricColumn, percentileColumns, settingColumns, throughputColumn } from "./run-columns.ts";

/** A line for each run: its first metric and its speed. */
export function summaryTable(runs: readonly ReportRun[]): ReportTable {
  const front = frontRuns(runs);
  const columns: readonly ColumnOf<ReportRun>[] = [
    ...settingColumns,
    metricColumn,
    right("score", ({ rows: [row] }) => amount(row?.score)),
    right("95 % interval", ({ rows: [row] }) => interval(row?.low, row?.high), "interval_95"),
    right("published", ({ rows: [row] }) => amount(row?.published)),
    right("n", ({ rows: [row] }) => ({ text: grouped(row?.scored ?? 0), value: row?.scored ?? null }), "scored"),
    throughputColumn,
    ...percentileColumns(["50", "99"]),
    left("front", ({ id }) => frontCell(front.has(id)), "pareto_front"),
  ];
  return {
    id: "summary",
    title: "Summary",
    note: "Score: the task's first metric, with its 95 % interval. Speed: samples a second of computing, from the times by stage. Front: no other run of the same samples is both faster and better.",
    ...tableOf(columns, runs),
  };
}

function frontCell(isOnFront: boolean): Cell {
  return isOnFront ? { text: "yes", value: "yes", tone: "good" } : { text: "", value: "no" };
}

interface RunScore {
  readonly run: ReportRun;
  readonly row: ReportRun["rows"][number];
}

const scoreColumns: readonly ColumnOf<RunScore>[] = [
  ...columnsOfPart(({ run }: RunScore) => run, settingColumns),
  left("metric", ({ row }) => row.metric),
  right("score", ({ row }) => amount(row.score)),
  right("± standard error", ({ row }) => amount(row.standardError), "standard_error"),
  right("low", ({ row }) => amount(row.low), "interval_low"),
  right("high", ({ row }) => amount(row.high), "interval_high"),
  left("unit", ({ row }) => row.unit),
  right("n", ({ row }) => amount(row.scored, 0), "scored"),
  right("failed", ({ row }) => amount(row.failed, 0)),
];

/** The table of all metrics. */
export function scoresTable(runs: readonly ReportRun[]): ReportTable {
  const rows = runs.flatMap((run) => run.rows.map((row) => ({ run, row })));
  return { id: "scores", title: "All scores", note: null, ...tableOf(scoreColumns, rows) };
}

interface RunComparison {
  readonly run: ReportRun;
  readonly one: ReportComparison;
}

const comparisonColumns: readonly ColumnOf<RunComparison>[] = [
  ...columnsOfPart(({ run }: RunComparison) => run, settingColumns),
  left("metric", ({ one }) => one.metric),
  right("ours", ({ one }) => scoreCell(one.ours, one.unit)),
  right("95 % interval", ({ one }) => scoreIntervalCell(one.low, one.high, one.unit), "interval_95"),
  right("published", ({ one }) => scoreCell(one.published, one.unit)),
  right("difference", ({ one }) => scoreDifferenceCell(one.difference, one.unit)),
  left("published number is", verdictCell, "verdict"),
  left("source", ({ one }) => one.source),
];

/** The table of our scores beside every published number. */
export function publishedTable(runs: readonly ReportRun[]): ReportTable {
  const rows = runs.flatMap((run) => run.comparisons.map((one) => ({ run, one })));
  return {
    id: "published",
    title: "Beside published numbers",
    note: "Difference: ours minus published. Published numbers are taken as exact, though most are printed with one decimal.",
    ...tableOf(comparisonColumns, rows),
  };
}

const verdicts: Readonly<Record<ReportComparison["verdict"], Pick<Cell, "text" | "tone">>> = {
  interval: { text: "in our interval", tone: "good" },
  tolerance: { text: "as near as public reports are", tone: "good" },
  outside: { text: "outside", tone: "bad" },
  unjudged: { text: "not judged", tone: "quiet" },
};

function verdictCell({ run, one }: RunComparison): Cell {
  if (run.obstacles.length > 0) return { text: "not comparable", value: "not comparable", tone: "quiet" };
  const verdict = verdicts[one.verdict];
  return { ...verdict, value: verdict.text };
}

const apartColumns: readonly ColumnOf<Apart>[] = [
  left("folder", ({ folder }) => folder),
  left("why", ({ reasons }) => reasons.join(" "), "reason"),
  left("it says", claimOf, "says"),
];

/** The table of folders that are set apart, with the reasons. */
export function apartTable({ apart }: Report): ReportTable {
  return {
    id: "apart",
    title: "Shown apart",
    note: "Not in any chart, comparison or table above. What a folder says of itself is beside the reason.",
    ...tableOf(apartColumns, apart),
  };
}

function claimOf({ rows: [row] }: Apart): string {
  if (row === undefined) return "";
  const { checkpoint, precision, task, split, metric, score, scored, samples } = row;
  return `${checkpoint} ${precision} ${task} ${split}: ${metric} ${score ?? "none"} (n ${scored} of ${samples})`;
}
