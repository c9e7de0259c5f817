/**
 * The table of where the time of bench points goes: each stage of each point, with percentiles and their
 * distribution-free intervals.
 */
import type { BenchPoint, Distribution } from "../records/bench/bench-record.ts";
import { amount, figure, rangedFigure } from "../tables/cells.ts";
import { left, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { benchPercentiles, inMilliseconds } from "./bench-tables.ts";
import type { ReportBench } from "./report-data.ts";
import type { ReportTable } from "./report-table.ts";

export function benchStagesTable({ id, points }: ReportBench): ReportTable {
  return {
    id: `${id}-stages`,
    title: `Bench ${id.replace("bench-", "")}: times by stage`,
    note:
      "Milliseconds a sample; what a batch shared is divided by its samples. Behind a percentile its distribution-free 95 % " +
      "interval. imageRead, imageDecode and imageResize run beside the model where a task generates.",
    ...tableOf(columns, points.flatMap(rowsOf)),
  };
}

interface StageTimes {
  readonly point: BenchPoint;
  readonly stage: string;
  readonly times: Distribution;
  /** Number of nanoseconds in the unit of the times. */
  readonly unitNs: number;
}

const columns: readonly ColumnOf<StageTimes>[] = [
  left("point", ({ point }) => point.name),
  left("stage", ({ stage }) => stage),
  right("samples", ({ times }) => amount(times.count, 0)),
  right("mean (ms)", ({ times, unitNs }) => figure((times.mean * unitNs) / 1e6), "mean_ms"),
  ...benchPercentiles.map((percentile) =>
    right<StageTimes>(
      `p${percentile} (ms)`,
      ({ times, unitNs }) => rangedFigure(inMilliseconds(times.percentiles[percentile], unitNs)),
      `p${percentile}_ms`,
    ),
  ),
];

function rowsOf(point: BenchPoint): readonly StageTimes[] {
  const { stagesMs, timeToFirstTokenNs, timePerOutputTokenNs, decodeStepNs, latencyNs } = point;
  const whole = [
    ["decoding step", decodeStepNs],
    ["time to first token", timeToFirstTokenNs],
    ["time per output token", timePerOutputTokenNs],
    ["end to end", latencyNs],
  ] as const;
  return [
    ...Object.entries(stagesMs).map(([stage, times]) => ({ point, stage, times, unitNs: 1e6 })),
    ...whole.flatMap(([stage, times]) => (times === null ? [] : [{ point, stage, times, unitNs: 1 }])),
  ];
}
