/** The tables of speed, and of what precisions change. */
import { unitsBySign } from "../records/metric-unit.ts";
import { amount, figure, megabytes, scoreDifferenceCell } from "../tables/cells.ts";
import { columnsOfPart, right, tableOf } from "../tables/table.ts";
import type { Cell, ColumnOf } from "../tables/table.ts";
import { precisionOf } from "./report-data.ts";
import type { ReportRun } from "./report-data.ts";
import type { ReportTable } from "./report-table.ts";
import { metricColumn, percentileColumns, settingColumns, throughputColumn } from "./run-columns.ts";
import { groupsOf } from "./run-names.ts";

const memoryColumn = right<ReportRun>(
  "peak memory (MB)",
  ({ measured }) => megabytes(measured.peakMemoryBytes),
  "peak_memory_bytes",
);

const speedColumns: readonly ColumnOf<ReportRun>[] = [
  ...settingColumns,
  right("batch", ({ record }) => amount(record.config.batchSize, 0), "batch_size"),
  right("threads", ({ record }) => amount(record.processor?.threads, 0)),
  throughputColumn,
  right("mean (ms)", ({ latency }) => figure(latency?.sampleMs.mean), "mean_ms"),
  ...percentileColumns(["50", "90", "95", "99"]),
  right("load (s)", ({ measured }) => figure(seconds(measured.loadMs)), "load_s"),
  memoryColumn,
];

/** The table of throughput and latency of runs. */
export function speedTable(runs: readonly ReportRun[]): ReportTable {
  return {
    id: "speed",
    title: "Speed of the runs",
    note: "Milliseconds a sample, all stages together; of what is computed for a batch a sample has its share. Loading the model and waiting are not in it. For latency as a service has it, see the bench points.",
    ...tableOf(speedColumns, runs),
  };
}

function seconds(milliseconds: number | null | undefined): number | null {
  return milliseconds === null || milliseconds === undefined ? null : milliseconds / 1000;
}

/** The table of mean milliseconds a sample, with a column for each stage, in the order in which stages first appear. */
export function stagesTable(runs: readonly ReportRun[]): ReportTable {
  const stages = [...new Set(runs.flatMap(({ latency }) => Object.keys(latency?.stagesMs ?? {})))];
  const columns = stages.map((stage) =>
    right<ReportRun>(`${stage} (ms)`, ({ latency }) => figure(latency?.stagesMs[stage]?.mean), `${stage}_ms`),
  );
  return {
    id: "stages",
    title: "Time by stage",
    note: "Mean milliseconds over the samples that have the stage: an image that several samples share is read and seen once.",
    ...tableOf([...settingColumns, ...columns], runs),
  };
}

/** A run, and the fp32 run of its checkpoint on equal samples. */
interface BesideFp32 {
  readonly run: ReportRun;
  readonly reference: ReportRun | undefined;
}

const precisionColumns: readonly ColumnOf<BesideFp32>[] = [
  ...columnsOfPart(
    ({ run }: BesideFp32) => run,
    [...settingColumns, metricColumn, right("score", ({ rows: [row] }) => amount(row?.score))],
  ),
  right("to fp32", differenceCell, "score_difference"),
  ...columnsOfPart(
    ({ run }: BesideFp32) => run,
    [right("same answers (%)", agreementCell, "same_answers_percent"), throughputColumn],
  ),
  right("× fp32", speedRatioCell, "speed_ratio"),
  ...columnsOfPart(
    ({ run }: BesideFp32) => run,
    [right("weights (MB)", ({ measured }) => megabytes(measured.weightsBytes), "weights_bytes"), memoryColumn],
  ),
];

/** The table that compares precisions, for checkpoints that were run in several. */
export function precisionTable(runs: readonly ReportRun[]): ReportTable {
  const groups = groupsOf(runs).flatMap((group) => {
    const names = [...new Set(group.map(({ record }) => record.checkpoint.name))];
    return names.map((name) => group.filter(({ record }) => record.checkpoint.name === name));
  });
  const rows = groups
    .filter((group) => new Set(group.map(precisionOf)).size > 1)
    .flatMap((group) => {
      const reference = group.find((one) => precisionOf(one) === "fp32");
      return group.map((run) => ({ run, reference }));
    });
  return {
    id: "precisions",
    title: "Precisions",
    note: "Against the fp32 run of the same checkpoint on the same samples. Same answers: share of samples with the very same answer.",
    ...tableOf(precisionColumns, rows),
  };
}

function differenceCell({ run, reference }: BesideFp32): Cell | string {
  if (run === reference) return "";
  const [row, base] = [run.rows[0], reference?.rows[0]];
  if (row === undefined || base === undefined || row.value === null || base.value === null) return amount(null);
  return scoreDifferenceCell(row.value - base.value, unitsBySign[row.unit]);
}

function agreementCell({ agreement }: ReportRun): Cell {
  return amount(agreement === null ? null : (100 * agreement.equal) / agreement.compared, 1);
}

function speedRatioCell({ run, reference }: BesideFp32): Cell | string {
  const [speed, base] = [run.latency?.samplesPerSecond, reference?.latency?.samplesPerSecond];
  return run === reference || speed === undefined || base === undefined ? "" : amount(speed / base);
}
