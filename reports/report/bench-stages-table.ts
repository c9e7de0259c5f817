/** Where the time of bench points goes: each stage of each point with percentiles and their distribution-free intervals. */
import type { BenchPoint, Distribution } from "../records/bench/bench-record.ts";
import { latencyCell } from "./bench-tables.ts";
import type { ReportBench } from "./report-data.ts";
import { amount, column, figure, word } from "./report-table.ts";
import type { ReportTable } from "./report-table.ts";

const percentiles = ["50", "90", "95", "99"];

export function benchStagesTable({ id, points }: ReportBench): ReportTable {
  return {
    id: `${id}-stages`,
    title: `Bench ${id.replace("bench-", "")}: times by stage`,
    note:
      "Milliseconds a sample; what a batch shared is divided by its samples. Behind a percentile its distribution-free 95 % " +
      "interval. imageRead, imageDecode and imageResize run beside the model where a task generates.",
    columns: [
      column("point", "point", "left"),
      column("stage", "stage", "left"),
      column("samples", "samples"),
      column("mean (ms)", "mean_ms"),
      ...percentiles.map((percentile) => column(`p${percentile} (ms)`, `p${percentile}_ms`)),
    ],
    rows: points.flatMap((point) =>
      rowsOf(point).map(([stage, { count, mean, percentiles: found }, unitNs]) => [
        word(point.name),
        word(stage),
        amount(count, 0),
        figure((mean * unitNs) / 1e6),
        ...percentiles.map((percentile) => latencyCell(found[percentile], unitNs)),
      ]),
    ),
  };
}

/** Stage, times, and nanoseconds of their unit. */
function rowsOf(point: BenchPoint): readonly (readonly [string, Distribution, number])[] {
  const { stagesMs, timeToFirstTokenNs, timePerOutputTokenNs, decodeStepNs, latencyNs } = point;
  const whole = [
    ["decoding step", decodeStepNs],
    ["time to first token", timeToFirstTokenNs],
    ["time per output token", timePerOutputTokenNs],
    ["end to end", latencyNs],
  ] as const;
  return [
    ...Object.entries(stagesMs).map(([stage, times]) => [stage, times, 1e6] as const),
    ...whole.flatMap(([name, times]) => (times === null ? [] : [[name, times, 1] as const])),
  ];
}
