/**
 * The accuracy run of a system: each sample once, through the same process and the same batches as the timed runs, and scored
 * by the task's first metric.
 */
import type { Sample } from "../../datasets/dataset.ts";
import { benchAccuracyFormat } from "../../reports/bench-run.ts";
import type { BenchAccuracy } from "../../reports/bench-run.ts";
import type { Outcome } from "../../reports/journal.ts";
import type { GenerationTask } from "../../tasks/task.ts";
import { systemClock } from "../loadgen/clock.ts";
import { runQueries } from "../loadgen/issue.ts";
import { logFiles } from "../loadgen/log-files.ts";
import { defaultSettings } from "../loadgen/settings.ts";
import { judge } from "../loadgen/verdict.ts";
import { ModelProcess } from "../model-process/model-process.ts";
import type { OpenedSplit } from "../prepare.ts";
import type { Asking } from "../protocol.ts";
import { scorePredictions } from "../score.ts";
import type { RunAsked, RunWatcher } from "./measure.ts";
import { ModelUnderTest } from "./model-under-test.ts";

export interface AccuracyAsked extends Pick<RunAsked, "place" | "entry" | "request" | "decoding" | "stallMs"> {
  /** Of the accuracy run. */
  readonly name: string;
  readonly checkpoint: string;
  readonly batchSize: number;
  readonly task: GenerationTask<Sample>;
  readonly opened: OpenedSplit<Sample>;
  readonly answer: Asking<Sample>["answer"];
}

export interface MeasuredAccuracy {
  readonly accuracy: BenchAccuracy;
  readonly logs: Readonly<Record<string, string>>;
}

/** null: the user stopped it. */
export async function measureAccuracy(asked: AccuracyAsked, watcher: RunWatcher): Promise<MeasuredAccuracy | null> {
  const { name, place, entry, stallMs, opened, batchSize, request, decoding } = asked;
  const { samples } = opened;
  const startedAt = new Date();
  watcher.onProgress(`${name}: loading`, 0, 1);
  let model: ModelProcess;
  try {
    model = await ModelProcess.start(place, { label: "accuracy", ...(entry !== undefined && { entry }) });
  } catch (error) {
    return { accuracy: unanswered(name, error instanceof Error ? error.message : String(error)), logs: {} };
  }
  try {
    const clock = systemClock();
    const sut = new ModelUnderTest(model, { request, decoding, batchSize, clock });
    const settings = { ...defaultSettings("offline", samples.length), mode: "AccuracyOnly" } as const;
    const log = await runQueries(sut, {
      settings,
      samples: samples.length,
      clock,
      stallNs: stallMs * 1e6,
      isStopped: watcher.isStopped,
      onAnswers: (done, issued) => {
        watcher.onProgress(`${name}: accuracy`, done, issued);
      },
    });
    if (log.end.kind === "interrupted") return null;
    const qsl = { name: `${opened.data.dataset} ${opened.data.split}`, samples: samples.length };
    const verdict = judge(log, settings);
    const logs = logFiles({ log, settings, requested: settings, verdict, sut: name, qsl, startedAt, quick: false });
    const outputs = log.queries.flatMap(({ samples: records }) =>
      records.flatMap(({ index, answer }): [number, string | null][] =>
        answer === null ? [] : [[index, answer.text]],
      ),
    );
    return { accuracy: scored(asked, outputs, "reason" in log.end ? log.end.reason : null), logs };
  } finally {
    await model.kill();
  }
}

function scored(
  { name, checkpoint, task, opened, answer }: AccuracyAsked,
  outputs: readonly [number, string | null][],
  problem: string | null,
): BenchAccuracy {
  const { split, samples } = opened;
  const outcomes = new Map(outputs.map(([index, text]): [string, Outcome] => [samples[index]!.id, outcomeOf(text)]));
  const sheet = scorePredictions(task, { split, samples, outcomes, answer, checkpoint, code: "" });
  const [metric] = sheet.metrics;
  const { failed } = sheet.counts;
  if (metric === undefined || metric.value === null) {
    return { format: benchAccuracyFormat, name, accuracy: null, failed, problem, outputs: [...outputs] };
  }
  const { value, standardError } = metric;
  const accuracy = { metric: metric.name, value, standardError, samples: sheet.counts.scored };
  return { format: benchAccuracyFormat, name, accuracy, failed, problem, outputs: [...outputs] };
}

function outcomeOf(text: string | null): Outcome {
  return text === null ? { status: "failed", error: "" } : { status: "predicted", text };
}

function unanswered(name: string, problem: string): BenchAccuracy {
  return { format: benchAccuracyFormat, name, accuracy: null, failed: 0, problem, outputs: [] };
}
