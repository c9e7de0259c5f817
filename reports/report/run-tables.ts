/** The tables of runs. Scores are printed times 100, as table.ts does. */
import { amount, column, figure, fixed, interval, megabytes, word } from "./report-table.ts";
import type { Cell, ReportTable } from "./report-table.ts";
import { precisionOf } from "./report-data.ts";
import type { Report, ReportComparison, ReportRun } from "./report-data.ts";
import { paretoFront } from "./pareto.ts";
import { groupsOf } from "./run-names.ts";

const settingColumns = [
  column("run", "run", "left"),
  column("checkpoint", "checkpoint", "left"),
  column("precision", "precision", "left"),
  column("task", "task", "left"),
  column("split", "split", "left"),
  column("protocol", "protocol", "left"),
];

function settingOf(run: ReportRun): readonly Cell[] {
  const { config, data, checkpoint } = run.record;
  const protocol = Object.keys(config.overrides).length > 0 ? "custom" : config.protocol;
  return [run.id, checkpoint.name, precisionOf(run), config.task, data.split, protocol].map(word);
}

/** A line a run: its first metric, and how fast it was. */
export function summaryTable(runs: readonly ReportRun[]): ReportTable {
  const front = frontRuns(runs);
  return {
    id: "summary",
    title: "Summary",
    note: "Score: the task's first metric, with its 95 % interval. Speed: samples a second of computing, from the times by stage. Front: no other run of the same samples is both faster and better.",
    columns: [
      ...settingColumns,
      column("metric", "metric", "left"),
      column("score", "score"),
      column("95 % interval", "interval_95"),
      column("published", "published"),
      column("n", "scored"),
      column("samples/s", "samples_per_second"),
      column("p50 (ms)", "p50_ms"),
      column("p99 (ms)", "p99_ms"),
      column("front", "pareto_front", "left"),
    ],
    rows: runs.map((run) => {
      const [row] = run.rows;
      return [
        ...settingOf(run),
        word(row?.metric ?? ""),
        amount(row?.score),
        interval(row?.low ?? null, row?.high ?? null),
        amount(row?.published),
        { text: (row?.scored ?? 0).toLocaleString("en-US"), value: row?.scored ?? null },
        figure(run.latency?.samplesPerSecond),
        figure(run.latency?.sampleMs.percentiles["50"]?.value),
        figure(run.latency?.sampleMs.percentiles["99"]?.value),
        front.has(run.id) ? { text: "yes", value: "yes", tone: "good" } : { text: "", value: "no" },
      ];
    }),
  };
}

/** The runs on the front of their group. Groups of one run have no front to speak of. */
export function frontRuns(runs: readonly ReportRun[]): ReadonlySet<string> {
  return new Set(
    groupsOf(runs)
      .filter((group) => group.length > 1)
      .flatMap((group) => {
        const candidates = group.flatMap(({ id, rows: [row], latency }) => {
          if (latency === null || row?.value === null || row?.value === undefined) return [];
          return [{ id, speed: latency.samplesPerSecond, score: row.value }];
        });
        const isOnFront = paretoFront(candidates);
        return candidates.filter((_, index) => isOnFront[index]).map(({ id }) => id);
      }),
  );
}

/** All metrics. */
export function scoresTable(runs: readonly ReportRun[]): ReportTable {
  return {
    id: "scores",
    title: "All scores",
    note: null,
    columns: [
      ...settingColumns,
      column("metric", "metric", "left"),
      column("score", "score"),
      column("± standard error", "standard_error"),
      column("low", "interval_low"),
      column("high", "interval_high"),
      column("unit", "unit", "left"),
      column("n", "scored"),
      column("failed", "failed"),
    ],
    rows: runs.flatMap((run) =>
      run.rows.map((row) => [
        ...settingOf(run),
        word(row.metric),
        amount(row.score),
        amount(row.standardError),
        amount(row.low),
        amount(row.high),
        word(row.unit),
        amount(row.scored, 0),
        amount(row.failed, 0),
      ]),
    ),
  };
}

const verdicts: Readonly<Record<ReportComparison["verdict"], Pick<Cell, "text"> & Partial<Cell>>> = {
  interval: { text: "in our interval", tone: "good" },
  tolerance: { text: "as near as public reports are", tone: "good" },
  outside: { text: "outside", tone: "bad" },
  unjudged: { text: "not judged", tone: "quiet" },
};

/** Ours beside every published number. */
export function publishedTable(runs: readonly ReportRun[]): ReportTable {
  return {
    id: "published",
    title: "Beside published numbers",
    note: "Difference: ours minus published. Published numbers are taken as exact, though most are printed with one decimal.",
    columns: [
      ...settingColumns,
      column("metric", "metric", "left"),
      column("ours", "ours"),
      column("95 % interval", "interval_95"),
      column("published", "published"),
      column("difference", "difference"),
      column("published number is", "verdict", "left"),
      column("source", "source", "left"),
    ],
    rows: runs.flatMap((run) =>
      run.comparisons.map((one) => {
        const isComparable = run.obstacles.length === 0;
        const verdict = isComparable ? verdicts[one.verdict] : { text: "not comparable", tone: "quiet" as const };
        return [
          ...settingOf(run),
          word(one.metric),
          hundredfold(one.ours),
          interval(times100(one.low), times100(one.high)),
          hundredfold(one.published),
          difference(one.difference),
          { value: verdict.text, ...verdict },
          word(one.source),
        ];
      }),
    ),
  };
}

function times100(value: number | null): number | null {
  return value === null ? null : Number((value * 100).toPrecision(12));
}

function hundredfold(value: number | null): Cell {
  return amount(times100(value));
}

function difference(value: number | null, digits = 2): Cell {
  const hundred = times100(value);
  if (hundred === null) return amount(null);
  const text = fixed(Math.abs(hundred), digits);
  const sign = Number(text) === 0 ? "" : hundred > 0 ? "+" : "−";
  return { text: `${sign}${text}`, value: hundred };
}

/** Throughput and latency of runs. */
export function speedTable(runs: readonly ReportRun[]): ReportTable {
  return {
    id: "speed",
    title: "Speed of the runs",
    note: "Milliseconds a sample, all stages together; of what is computed for a batch a sample has its share. Loading the model and waiting are not in it. For latency as a service has it, see the bench points.",
    columns: [
      ...settingColumns,
      column("batch", "batch_size"),
      column("threads", "threads"),
      column("samples/s", "samples_per_second"),
      column("mean (ms)", "mean_ms"),
      ...["50", "90", "95", "99"].map((percentile) => column(`p${percentile} (ms)`, `p${percentile}_ms`)),
      column("load (s)", "load_s"),
      column("peak memory (MB)", "peak_memory_bytes"),
    ],
    rows: runs.map((run) => [
      ...settingOf(run),
      amount(run.record.config.batchSize, 0),
      amount(run.record.processor.threads, 0),
      figure(run.latency?.samplesPerSecond),
      figure(run.latency?.sampleMs.mean),
      ...["50", "90", "95", "99"].map((percentile) => figure(run.latency?.sampleMs.percentiles[percentile]?.value)),
      figure(seconds(run.measured.loadMs)),
      megabytes(run.measured.peakMemoryBytes),
    ]),
  };
}

function seconds(milliseconds: number | null | undefined): number | null {
  return milliseconds === null || milliseconds === undefined ? null : milliseconds / 1000;
}

/** Mean milliseconds a sample, a column a stage in the order of the first run that has it. */
export function stagesTable(runs: readonly ReportRun[]): ReportTable {
  const stages = [...new Set(runs.flatMap(({ latency }) => Object.keys(latency?.stagesMs ?? {})))];
  return {
    id: "stages",
    title: "Time by stage",
    note: "Mean milliseconds over the samples that have the stage: an image that several samples share is read and seen once.",
    columns: [...settingColumns, ...stages.map((stage) => column(`${stage} (ms)`, `${stage}_ms`))],
    rows: runs.map((run) => [...settingOf(run), ...stages.map((stage) => figure(run.latency?.stagesMs[stage]?.mean))]),
  };
}

/** Precision by checkpoint, where one was run in more than one. */
export function precisionTable(runs: readonly ReportRun[]): ReportTable {
  const groups = groupsOf(runs).flatMap((group) => {
    const names = [...new Set(group.map(({ record }) => record.checkpoint.name))];
    return names.map((name) => group.filter(({ record }) => record.checkpoint.name === name));
  });
  return {
    id: "precisions",
    title: "Precisions",
    note: "Against the fp32 run of the same checkpoint on the same samples. Same answers: share of samples with the very same answer.",
    columns: [
      ...settingColumns,
      column("metric", "metric", "left"),
      column("score", "score"),
      column("to fp32", "score_difference"),
      column("same answers (%)", "same_answers_percent"),
      column("samples/s", "samples_per_second"),
      column("× fp32", "speed_ratio"),
      column("weights (MB)", "weights_bytes"),
      column("peak memory (MB)", "peak_memory_bytes"),
    ],
    rows: groups
      .filter((group) => new Set(group.map(precisionOf)).size > 1)
      .flatMap((group) =>
        group.map((run) =>
          precisionRow(
            run,
            group.find((one) => precisionOf(one) === "fp32"),
          ),
        ),
      ),
  };
}

function precisionRow(run: ReportRun, reference: ReportRun | undefined): readonly Cell[] {
  const [row] = run.rows;
  const [base] = reference?.rows ?? [];
  const isReference = run === reference;
  const [speed, baseSpeed] = [run.latency?.samplesPerSecond, reference?.latency?.samplesPerSecond];
  const { agreement } = run;
  return [
    ...settingOf(run),
    word(row?.metric ?? ""),
    amount(row?.score),
    isReference ? word("") : difference(minus(row?.value, base?.value)),
    agreement === null ? amount(null) : amount((100 * agreement.equal) / agreement.compared, 1),
    figure(speed),
    isReference || speed === undefined || baseSpeed === undefined ? word("") : amount(speed / baseSpeed),
    megabytes(run.measured.weightsBytes),
    megabytes(run.measured.peakMemoryBytes),
  ];
}

function minus(a: number | null | undefined, b: number | null | undefined): number | null {
  return a === null || a === undefined || b === null || b === undefined ? null : a - b;
}

/** What is shown apart, and why. */
export function apartTable({ apart }: Report): ReportTable {
  return {
    id: "apart",
    title: "Shown apart",
    note: "Not in any chart, comparison or table above. What a folder says of itself is beside the reason.",
    columns: [column("folder", "folder", "left"), column("why", "reason", "left"), column("it says", "says", "left")],
    rows: apart.map(({ folder, reasons, rows: [row] }) => {
      const says =
        row === undefined
          ? ""
          : `${row.checkpoint} ${row.precision} ${row.task} ${row.split}: ${row.metric} ${row.score ?? "none"} (n ${row.scored} of ${row.samples})`;
      return [word(folder), word(reasons.join(" ")), word(says)];
    }),
  };
}
