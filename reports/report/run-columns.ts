/** Columns that several tables of runs have in common. */
import { protocolName } from "../records/run-record.ts";
import { left, right } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { figure } from "../tables/cells.ts";
import { precisionOf } from "./report-data.ts";
import type { ReportRun } from "./report-data.ts";

/** Columns for what was run. */
export const settingColumns: readonly ColumnOf<ReportRun>[] = [
  left("run", ({ id }) => id),
  left("checkpoint", ({ record }) => record.checkpoint.name),
  left("precision", precisionOf),
  left("task", ({ record }) => record.config.task),
  left("split", ({ record }) => record.data.split),
  left("protocol", ({ record }) => protocolName(record.config)),
];

/** Column with the name of the task's first metric. */
export const metricColumn = left<ReportRun>("metric", ({ rows: [row] }) => row?.metric ?? "");

export const throughputColumn = right<ReportRun>(
  "samples/s",
  ({ latency }) => figure(latency?.samplesPerSecond),
  "samples_per_second",
);

/** Columns with percentiles of the time for a sample. */
export function percentileColumns(percentiles: readonly string[]): readonly ColumnOf<ReportRun>[] {
  return percentiles.map((percentile) =>
    right<ReportRun>(
      `p${percentile} (ms)`,
      ({ latency }) => figure(latency?.sampleMs.percentiles[percentile]?.value),
      `p${percentile}_ms`,
    ),
  );
}
