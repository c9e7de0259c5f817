/** A generation run: the windows whose predictions are missing are asked, and written to disk in their order. */
import type { Sample } from "../../../datasets/dataset.ts";
import type { Prediction } from "../../../reports/records/run-record.ts";
import { runName } from "../../../reports/records/run-record.ts";
import { readAhead } from "../../processes/read-ahead.ts";
import { inOrder } from "../in-order.ts";
import type { AnswerableWindows, Elsewhere } from "../elsewhere.ts";
import { windowsHash, windowsOfShard } from "../shard.ts";
import type { NumberedWindow } from "../shard.ts";
import type { Evaluation, MissingPredictions, PredictionsEnd } from "../verbs.ts";
import { stageTimes } from "../waiting.ts";
import { isStoppedNow } from "../watcher.ts";
import type { Watcher } from "../watcher.ts";
import { askWindow, planWindows } from "./ask.ts";
import type { GenerationWork } from "./ask.ts";
import { withBatchSize } from "./batch-size.ts";
import { keepFirstSteps } from "./first-steps.ts";
import { runBatching } from "./requests.ts";
import { scorePredictions } from "./score.ts";

export function generationEvaluation<S extends Sample>(work: GenerationWork<S>): Evaluation {
  const { task, split, samples, asking, cluster, plan, folder, shard, model } = work;
  return {
    plan,
    folder,
    samples,
    shard,
    elsewhere: work.elsewhere,
    answerable: answerableWindows(work),
    model,
    notes: work.split.notes ?? [],
    ...(work.isBatchSizeOpen && {
      sized: async (watcher, gauge) => generationEvaluation(await withBatchSize(work, watcher, gauge)),
    }),
    order: () => idsOf(windowsOf(work)),
    missing: () => Promise.resolve(missingWindows(work)),
    score: () => {
      const { outcomes } = folder;
      const about = { checkpoint: plan.checkpoint.name, code: plan.code.fingerprint };
      return Promise.resolve(
        scorePredictions(task, { ...about, split, samples, outcomes, answer: asking.answer, cluster }),
      );
    },
    keepMore: (watcher) => keepFirstSteps(work, watcher),
  };
}

/** The windows of the whole run, for a process that answers some of them for another. */
function answerableWindows<S extends Sample>(work: GenerationWork<S>): AnswerableWindows {
  const { samples, plan } = work;
  const windows = planWindows(samples, plan.config.batchSize);
  return {
    windows,
    answer: async (number) => {
      const batching = runBatching(plan.config.batchSize);
      return askWindow(await work.model.load(), windows[number]!, { ...work, batching });
    },
  };
}

/** Windows with a sample that is missing or failed are asked whole. */
function missingWindows<S extends Sample>(work: GenerationWork<S>): MissingPredictions | null {
  const { outcomes } = work.folder;
  const windows = windowsOf(work);
  const isPredicted = ({ id }: S): boolean => outcomes.get(id)?.status === "predicted";
  const missing = windows.filter(({ samples }) => !samples.every(isPredicted));
  if (missing.length === 0) return null;
  const kept = idsOf(windows.filter(({ samples }) => samples.every(isPredicted)));
  return { kept, predict: (watcher) => predictWindows(work, missing, watcher) };
}

async function predictWindows<S extends Sample>(
  work: GenerationWork<S>,
  windows: readonly NumberedWindow<S>[],
  watcher: Watcher,
): Promise<PredictionsEnd> {
  const { plan, folder, maxErrors } = work;
  const samples = windowsOf(work).reduce((sum, window) => sum + window.samples.length, 0);
  const before = samples - windows.reduce((sum, window) => sum + window.samples.length, 0);
  const run = runName(plan);
  let done = before;
  let failed = 0;
  let left = windows.length;
  const report = (beside?: string): void => {
    watcher.onProgress({ run, before, done, samples, failed, ...(beside !== undefined && { beside }) });
  };
  report();
  const onAnswer = (): void => {
    done += 1;
    report();
  };
  const answered =
    work.elsewhere === null
      ? askedHere(work, windows, onAnswer)
      : askedElsewhere(work, work.elsewhere, windows, watcher);
  for await (const { predictions, untold, beside } of answered) {
    await folder.append(predictions);
    folder.addTimes(stageTimes(predictions));
    done += untold;
    left -= 1;
    failed += predictions.filter(({ status }) => status === "failed").length;
    report(beside);
    if (maxErrors !== null && failed > maxErrors) return "stopped";
    if (left > 0 && (await isStoppedNow(watcher))) return "interrupted";
  }
  return left === 0 ? "predicted" : "interrupted";
}

interface Answered {
  readonly predictions: readonly Prediction[];
  /** Samples that were not told one by one. */
  readonly untold: number;
  readonly beside?: string;
}

/** By the model of this process, window by window. `onAnswer`: told of each sample of a window but the last. */
async function* askedHere<S extends Sample>(
  work: GenerationWork<S>,
  windows: readonly NumberedWindow<S>[],
  onAnswer: () => void,
): AsyncGenerator<Answered> {
  const model = await work.model.load();
  yield* inOrder(windows, model.batchesAtOnce ?? 1, async ({ samples: window }, index) => {
    readAhead(
      model,
      windows.slice(index + 1).map(({ samples }) => samples),
    );
    let told = 0;
    const onOne = (): void => {
      if (told === window.length - 1) return; // the last is told when all are on disk
      told += 1;
      onAnswer();
    };
    const batching = runBatching(work.plan.config.batchSize, onOne);
    const predictions = await askWindow(model, window, { ...work, batching });
    return { predictions, untold: window.length - told };
  });
}

async function* askedElsewhere<S extends Sample>(
  { samples, plan, folder }: GenerationWork<S>,
  elsewhere: Elsewhere,
  windows: readonly NumberedWindow<S>[],
  watcher: Watcher,
): AsyncGenerator<Answered> {
  const about = {
    plan,
    windowsHash: windowsHash(planWindows(samples, plan.config.batchSize)),
    machines: folder.record.machines ?? [],
    isStopped: () => watcher.isStopped(),
  };
  for await (const { predictions, machines, beside } of elsewhere.answers(windows, about)) {
    await folder.noteMachines(machines);
    yield { predictions, untold: predictions.length, beside };
  }
}

/** The windows that this process asks, in order. */
function windowsOf<S extends Sample>({ samples, plan, shard }: GenerationWork<S>): readonly NumberedWindow<S>[] {
  return windowsOfShard(planWindows(samples, plan.config.batchSize), shard);
}

function idsOf(windows: readonly NumberedWindow<Sample>[]): readonly string[] {
  return windows.flatMap(({ samples }) => samples.map(({ id }) => id));
}
