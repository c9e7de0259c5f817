/** A generation run: the windows whose predictions are missing are asked, and written to disk in their order. */
import type { Sample } from "../../../datasets/dataset.ts";
import { runName } from "../../../reports/records/run-record.ts";
import { readAhead } from "../../processes/read-ahead.ts";
import { inOrder } from "../in-order.ts";
import { windowsOfShard } from "../shard.ts";
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

/** Windows with a sample that is missing or failed are asked whole. */
function missingWindows<S extends Sample>(work: GenerationWork<S>): MissingPredictions | null {
  const { outcomes } = work.folder;
  const windows = windowsOf(work);
  const isPredicted = ({ id }: S): boolean => outcomes.get(id)?.status === "predicted";
  const missing = windows.filter((window) => !window.every(isPredicted));
  if (missing.length === 0) return null;
  const kept = idsOf(windows.filter((window) => window.every(isPredicted)));
  return { kept, predict: (watcher) => predictWindows(work, missing, watcher) };
}

async function predictWindows<S extends Sample>(
  work: GenerationWork<S>,
  windows: readonly (readonly S[])[],
  watcher: Watcher,
): Promise<PredictionsEnd> {
  const { plan, folder, maxErrors } = work;
  const model = await work.model.load();
  const samples = windowsOf(work).flat();
  const before = samples.length - windows.flat().length;
  const run = runName(plan);
  let done = before;
  let failed = 0;
  const report = (): void => {
    watcher.onProgress({ run, before, done, samples: samples.length, failed });
  };
  report();
  const asked = inOrder(windows, model.batchesAtOnce ?? 1, async (window, index) => {
    readAhead(model, windows.slice(index + 1));
    let told = 0;
    const onAnswer = (): void => {
      if (told === window.length - 1) return; // the last is told when all are on disk
      told += 1;
      done += 1;
      report();
    };
    const predictions = await askWindow(model, window, {
      ...work,
      batching: runBatching(plan.config.batchSize, onAnswer),
    });
    return { window, predictions, untold: window.length - told };
  });
  for await (const { window, predictions, untold } of asked) {
    await folder.append(predictions);
    folder.addTimes(stageTimes(predictions));
    done += untold;
    failed += predictions.filter(({ status }) => status === "failed").length;
    report();
    if (maxErrors !== null && failed > maxErrors) return "stopped";
    if (window !== windows.at(-1) && (await isStoppedNow(watcher))) return "interrupted";
  }
  return "predicted";
}

/** The windows that this process asks, in order. */
function windowsOf<S extends Sample>({ samples, plan, shard }: GenerationWork<S>): readonly (readonly S[])[] {
  return windowsOfShard(planWindows(samples, plan.config.batchSize), shard).map((window) => window.samples);
}

function idsOf(windows: readonly (readonly Sample[])[]): readonly string[] {
  return windows.flat().map(({ id }) => id);
}
