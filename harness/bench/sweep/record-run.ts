/** What was measured in one process → what is written down of it: run-<n>.json and LoadGen's log files. */
import { benchRunFormat } from "../../../reports/records/bench/bench-run.ts";
import type { BenchRun } from "../../../reports/records/bench/bench-run.ts";
import { percentileOf, sorted } from "../loadgen/distribution.ts";
import { logFiles } from "../loadgen/log-files.ts";
import { samplesPerSecond, tokenTimes } from "../loadgen/metrics.ts";
import { latenciesNs, sampleLatenciesNs } from "../loadgen/run-log.ts";
import type { RunLog } from "../loadgen/run-log.ts";
import { settingsRecord } from "../loadgen/settings.ts";
import type { LoadGenSettings } from "../loadgen/settings.ts";
import { judge } from "../loadgen/verdict.ts";
import type { MeasuredRun } from "./measure.ts";

export interface RunIdentity {
  readonly point: string;
  readonly restart: number;
  readonly requested: LoadGenSettings;
  readonly qsl: { readonly name: string; readonly samples: number };
  readonly quick: boolean;
  readonly trace: boolean;
}

export interface RecordedRun {
  readonly run: BenchRun;
  /** Text by file name. */
  readonly logs: Readonly<Record<string, string>>;
}

const emptyLog: RunLog = { queries: [], end: { kind: "complete" }, durationNs: 0, wantedSamples: null };

export function recordRun(
  measured: MeasuredRun,
  { point, restart, requested, qsl, quick, trace }: RunIdentity,
): RecordedRun {
  const { settings, warmUp, startedAt, finishedAt } = measured;
  const log = measured.log ?? emptyLog;
  const judged = judge(log, settings);
  // Where the model never came to answer, that alone is the reason.
  const reasons = measured.log === null ? [measured.problem ?? "nothing was measured"] : judged.reasons;
  const verdict = { ...judged, reasons };
  const { scenario, targetLatencyPercentile } = settings;
  const answers = log.queries.flatMap(({ samples }) => samples);
  const latencies = scenario === "offline" ? sampleLatenciesNs(log) : latenciesNs(log); // an offline query is all samples
  const rising = sorted(latencies);
  const { firstNs, perTokenNs, stepsNs } = tokenTimes(log);
  const perSecond = samplesPerSecond(log, scenario);
  const tokens = answers.reduce((sum, { answer }) => sum + (answer?.tokens ?? 0), 0);
  const pairs = answers.reduce((sum, { answer }) => sum + (answer?.pairs ?? 0), 0);
  const answered = answers.filter(({ completedNs }) => completedNs !== null).length;
  /** Per second: how much there is of what each sample has a number of, such as tokens; null: samples have none. */
  const rateOf = (count: number): number | null =>
    perSecond === null || answered === 0 || count === 0 ? null : (perSecond * count) / answered;

  const run: BenchRun = {
    format: benchRunFormat,
    point,
    restart,
    summary: {
      validity: verdict.validity,
      invalidReasons: [...reasons],
      queries: log.queries.length,
      samples: answers.length,
      samplesPerSecond: perSecond,
      medianLatencyNs: rising.length === 0 ? null : percentileOf(rising, 0.5),
      percentileLatencyNs:
        rising.length === 0 || scenario === "offline" ? null : percentileOf(rising, targetLatencyPercentile),
      loadMs: measured.loadMs,
      peakMemoryBytes: measured.peakMemoryBytes,
      startedAt: startedAt.toISOString(),
      finishedAt: finishedAt.toISOString(),
    },
    settings: settingsRecord(settings),
    isBroken: measured.problem !== null,
    failed: answers.filter(({ answer }) => answer?.text === null).length,
    warmUp: { queries: warmUp?.queries ?? 0, ms: warmUp?.ms ?? 0, steady: warmUp?.steady ?? false },
    latencyNs: latencies,
    issueDelayNs: scenario === "server" ? log.queries.map(({ scheduledNs, issuedNs }) => issuedNs - scheduledNs) : [],
    firstTokenNs: firstNs,
    perTokenNs,
    decodeStepNs: stepsNs,
    stagesMs: stages(log),
    tokensPerSecond: rateOf(tokens),
    pairsPerSecond: rateOf(pairs),
    galleryMs: measured.galleryMs,
    peakQueriesPerSecond: measured.peakQueriesPerSecond,
    energyJoules: measured.energyJoules,
    neighbours: measured.neighbours,
    outputs: answers
      .flatMap(({ index, answer }) => (answer === null ? [] : [[index, answer.text] as const]))
      .map(([index, text]): [number, string | null] => [index, text]),
  };
  const sut = `${point}, onnxruntime-node`;
  return { run, logs: logFiles({ log, settings, requested, verdict, sut, qsl, startedAt, quick, trace }) };
}

/** Of what order a sample goes through them; others, should a model have any, come last. */
const stageOrder = [
  "queue",
  "imageRead",
  "imageDecode",
  "imageResize",
  "imageWait",
  "vision",
  "qFormer",
  "projection",
  "tokenize",
  "store",
  "compare",
  "imageKeys",
  "matching",
  "prefix",
  "prefill",
  "decode",
  "detokenize",
];

function stages({ queries }: RunLog): Record<string, number[]> {
  const columns = new Map<string, number[]>(stageOrder.map((stage) => [stage, []]));
  const add = (stage: string, milliseconds: number): void => {
    const column = columns.get(stage);
    if (column === undefined) columns.set(stage, [milliseconds]);
    else column.push(milliseconds);
  };
  for (const { scheduledNs, samples } of queries) {
    for (const { answer } of samples) {
      if (answer?.text === null || answer === null) continue;
      const { startedNs, stagesMs } = answer.timing;
      if (startedNs !== null) add("queue", (startedNs - scheduledNs) / 1e6);
      for (const [stage, milliseconds] of Object.entries(stagesMs)) add(stage, milliseconds);
    }
  }
  return Object.fromEntries([...columns].filter(([, column]) => column.length > 0));
}
