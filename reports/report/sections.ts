/**
 * Divides a report into sections of charts and tables, in order. The page, PNGs, CSVs and Markdown all show these
 * sections.
 */
import type { Chart } from "../charts/chart.ts";
import { benchCharts } from "./bench-charts.ts";
import { benchStagesTable } from "./bench-stages-table.ts";
import { benchTable } from "./bench-tables.ts";
import type { Report } from "./report-data.ts";
import type { ReportTable } from "./report-table.ts";
import * as charts from "./run-charts.ts";
import type { RunGroup } from "./run-charts.ts";
import { groupsOf } from "./run-names.ts";
import { apartTable, publishedTable, scoresTable, summaryTable } from "./run-tables.ts";
import { precisionTable, speedTable, stagesTable } from "./speed-tables.ts";

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly charts: readonly Chart[];
  readonly tables: readonly ReportTable[];
  /** Long tables that are folded on the page. */
  readonly folded: readonly ReportTable[];
}

/** The sections of a report; empty ones are left out. */
export function sectionsOf(report: Report): readonly Section[] {
  const { runs, benches } = report;
  const groups = namedGroups(report);
  const chartsOf = (...makers: readonly ((group: RunGroup) => Chart | null)[]): readonly Chart[] =>
    groups.flatMap((group) => makers.map((make) => make(group)).filter((chart) => chart !== null));
  const sections: readonly Section[] = [
    { id: "summary", title: "Summary", charts: [], tables: [summaryTable(runs)], folded: [] },
    {
      id: "accuracy",
      title: "Accuracy",
      charts: chartsOf(charts.scoreChart),
      tables: [publishedTable(runs)],
      folded: [scoresTable(runs)],
    },
    { id: "trade", title: "Accuracy against speed", charts: chartsOf(charts.paretoChart), tables: [], folded: [] },
    {
      id: "speed",
      title: "Throughput and latency",
      charts: chartsOf(charts.throughputChart, charts.latencyChart),
      tables: [speedTable(runs)],
      folded: [],
    },
    {
      id: "stages",
      title: "Where the time goes",
      charts: chartsOf(charts.stagesChart, charts.distributionChart),
      tables: [],
      folded: [stagesTable(runs)],
    },
    {
      id: "bench",
      title: "Bench points",
      charts: benches.flatMap(benchCharts),
      tables: benches.map(benchTable),
      folded: benches.map(benchStagesTable),
    },
    { id: "precisions", title: "Precisions", charts: [], tables: [precisionTable(runs)], folded: [] },
    { id: "apart", title: "Shown apart", charts: [], tables: [apartTable(report)], folded: [] },
  ];
  return sections.map(withoutEmpty).filter((one) => one.charts.length + one.tables.length + one.folded.length > 0);
}

function withoutEmpty(section: Section): Section {
  const filled = (all: readonly ReportTable[]): readonly ReportTable[] => all.filter(({ rows }) => rows.length > 0);
  return { ...section, tables: filled(section.tables), folded: filled(section.folded) };
}

/** Groups with names for their files: task and split, and a number where several groups have equal ones. */
function namedGroups({ runs }: Report): readonly RunGroup[] {
  const counts = new Map<string, number>();
  return groupsOf(runs).map((group) => {
    const { config, data } = group[0]!.record; // groups are never empty
    const name = `${config.task}-${data.split}`.replace(/[^\w.-]+/g, "-");
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return { id: count === 1 ? name : `${name}-${count}`, runs: group };
  });
}
