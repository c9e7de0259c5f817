/** Formats a lane of the history as a table, and makes a chart of one of its measures by commit. */
import type { ScatterChart } from "../charts/chart.ts";
import { measuresOf, valueOf } from "../records/findings/history.ts";
import type { HistoryLine, Lane } from "../records/findings/history.ts";
import { rangeText } from "../tables/numbers.ts";
import { left, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { tableToText } from "../tables/terminal.ts";

/** A change point that was found in a measure of a lane. */
export interface Change {
  readonly measure: string;
  /** The first run at the new level. */
  readonly line: HistoryLine;
  readonly before: number;
  readonly after: number;
  readonly pValue: number;
}

/** Headings of measures that are not metrics. */
const units: Readonly<Record<string, string>> = { time: "ms a sample", memory: "MB" };

/** A table of the last runs, and all change points. No final line end. */
export function formatLane(lane: Lane, changes: readonly Change[], last: number): string {
  const columns: readonly ColumnOf<HistoryLine>[] = [
    left("started", ({ startedAt }) => startedAt.slice(0, 16).replace("T", " ")),
    left("commit", commitOf),
    ...measuresOf(lane).map((measure) =>
      right<HistoryLine>(units[measure] ?? measure, (line) => {
        const value = valueOf(line, measure);
        const isChange = changes.some((change) => change.line === line && change.measure === measure);
        return value === null ? null : `${isChange ? "* " : ""}${measureText(value)}`;
      }),
    ),
  ];
  const table = tableToText(tableOf(columns, lane.lines.slice(-last)));
  const words = changes.map(changeWords);
  return [`${lane.name}\n${lane.machine}`, table, ...(words.length === 0 ? [] : [words.join("\n")])].join("\n\n");
}

function changeWords({ measure, line, before, after, pValue }: Change): string {
  const unit = units[measure];
  const way = after > before ? "rose" : "fell";
  const by = `${rangeText(before, after, measureText)}${unit === undefined ? "" : ` ${unit}`}`;
  return `* ${measure} ${way} from ${by} at ${commitOf(line)} (Pettitt's test, p ${pValue.toFixed(4)})`;
}

function measureText(value: number): string {
  return value.toFixed(2);
}

/** The commit, with a plus where files had uncommitted changes. */
function commitOf({ commit, dirty, version }: HistoryLine): string {
  return `${commit === null ? version : commit.slice(0, 8)}${dirty === true ? "+" : ""}`;
}

/** A chart of runs from left to right; change points are labelled with their commit. */
export function historyChart(lane: Lane, measure: string, changes: readonly Change[]): ScatterChart {
  const shown = lane.lines.flatMap((line) => {
    const value = valueOf(line, measure);
    return value === null ? [] : [{ line, value }];
  });
  const points = shown.map(({ line, value }, index) => {
    const isChange = changes.some((change) => change.line === line && change.measure === measure);
    const isEnd = index === 0 || index === shown.length - 1;
    return {
      label: isChange || isEnd ? commitOf(line) : "",
      x: index + 1,
      y: value,
      // Without intervals: all runs of a lane use one set of samples, so sampling error is no noise between commits.
      low: null,
      high: null,
      color: isChange ? 1 : 0,
      shape: isChange ? ("diamond" as const) : ("circle" as const),
      isOnFront: true,
    };
  });
  const hasChange = points.some(({ color }) => color === 1);
  return {
    kind: "scatter",
    id: "history",
    title: `${measure}: ${lane.name}`,
    note: lane.machine,
    legend: hasChange ? [{ label: "a new level begins", color: 1, shape: "diamond" }] : [],
    x: { title: "runs, the latest at the right", scale: "linear", fromZero: false },
    y: { title: units[measure] ?? `${measure} (points)`, scale: "linear", fromZero: false },
    points,
  };
}
