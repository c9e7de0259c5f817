/**
 * The spine: samples → predictions → scores. Each stage is on disk before the next begins, and what is on disk is not done
 * again: a run that was stopped goes on with the windows that are missing.
 */
import { access } from "node:fs/promises";
import type { ImageReference, Sample, Split } from "../../datasets/dataset.ts";
import { explainMissingImage } from "../../datasets/images.ts";
import type { Batching, GenerationRequest, VisionLanguageModel } from "../../models/model.ts";
import type { RunFolder } from "../../reports/records/run-folder.ts";
import type { Prediction, RunMeasured, RunPlan, ScoreSheet } from "../../reports/records/run-record.ts";
import { runName } from "../../reports/records/run-record.ts";
import type { GenerationTask } from "../../tasks/task.ts";
import { inOrder, planWindows } from "./batches.ts";
import { readAhead } from "../processes/read-ahead.ts";
import type { Asking } from "./protocol.ts";
import { scorerFingerprint } from "../catalog/provenance.ts";
import { scorePredictions } from "./score.ts";
import { stageTimes } from "./waiting.ts";

/** One checkpoint on one task, all of it checked, nothing of it done. */
export interface Evaluation<S extends Sample> {
  readonly kind: "generation";
  readonly task: GenerationTask<S>;
  readonly split: Split<S>;
  readonly samples: readonly S[];
  readonly asking: Asking<S>;
  readonly plan: RunPlan;
  /** The plan's batch size is to be measured first, see batch-size.ts. */
  readonly isBatchSizeOpen?: boolean;
  readonly folder: RunFolder;
  readonly maxErrors: number | null;
  /** Samples whose first step is kept (first-steps.ts). */
  readonly firstSteps: number;
  readonly model: LazyModel<VisionLanguageModel>;
}

/** What decides how a sample is asked. */
export interface Asked<S extends Sample> extends Pick<Evaluation<S>, "task" | "split" | "asking"> {
  readonly batching: Batching;
}

/** As a run asks: with all that makes it fast. */
export function asRun<S extends Sample>(evaluation: Evaluation<S>, onAnswer?: Batching["onAnswer"]): Asked<S> {
  const size = evaluation.plan.config.batchSize;
  const { task, split, asking } = evaluation;
  const batching = { size, refill: true, sharePrompt: true, ...(onAnswer !== undefined && { onAnswer }) };
  return { task, split, asking, batching };
}

/** Loaded at the first call, and once; released where it was loaded. */
export interface LazyModel<Model> {
  readonly load: () => Promise<Model>;
  /** What loading it took, and its memory until now; null where it is not loaded. */
  readonly measured: () => RunMeasured | null;
  readonly release: () => Promise<void>;
}

/** Whoever started the run. */
export interface Watcher {
  /** Asked between windows; true ends the run there. */
  readonly isStopped: () => boolean;
  readonly onProgress: (progress: Progress) => void;
}

export interface Progress {
  readonly run: string;
  /** Samples that were done before, are done now, and are to be done in all. */
  readonly before: number;
  readonly done: number;
  readonly samples: number;
  readonly failed: number;
}

/** `stopped`: more samples failed than --max-errors allows. */
export type EvaluationEnd =
  | { readonly status: "complete" | "partial"; readonly scores: ScoreSheet }
  | { readonly status: "interrupted" | "stopped" };

export async function evaluate<S extends Sample>(evaluation: Evaluation<S>, watcher: Watcher): Promise<EvaluationEnd> {
  const { task, split, samples, asking, plan, folder } = evaluation;
  const windows = planWindows(samples, plan.config.batchSize);
  const order = idsOf(windows);

  const end = await predictMissing(evaluation, windows, watcher);
  if (end !== "asked") return { status: end };

  const { outcomes } = folder;
  const status = order.every((id) => outcomes.get(id)?.status === "predicted") ? "complete" : "partial";
  await folder.finish(status, order, { measured: evaluation.model.measured() });

  const { name } = plan.checkpoint;
  const code = plan.code.fingerprint;
  const asked = { split, samples, outcomes, answer: asking.answer, checkpoint: name, code };
  const scores = { ...scorePredictions(task, asked), scorer: await scorerFingerprint() };
  await folder.writeScores(scores);
  return { status, scores };
}

/** Windows with a sample that is missing or failed are asked whole. The model is loaded only where there is one. */
async function predictMissing<S extends Sample>(
  evaluation: Evaluation<S>,
  windows: readonly (readonly S[])[],
  watcher: Watcher,
): Promise<"asked" | "interrupted" | "stopped"> {
  const { folder, plan, samples, maxErrors } = evaluation;
  const isPredicted = ({ id }: S): boolean => folder.outcomes.get(id)?.status === "predicted";
  const kept = windows.filter((window) => window.every(isPredicted));
  const missing = windows.filter((window) => !window.every(isPredicted));
  if (missing.length === 0) return "asked";

  const model = await evaluation.model.load();
  if (await isStoppedNow(watcher)) return "interrupted";
  await folder.begin(plan, idsOf(kept));
  const before = kept.flat().length;
  const run = runName(plan);
  let done = before;
  let failed = 0;
  const report = (): void => {
    watcher.onProgress({ run, before, done, samples: samples.length, failed });
  };
  report();
  try {
    const asked = inOrder(missing, model.batchesAtOnce ?? 1, async (window, index) => {
      readAhead(model, missing.slice(index + 1));
      let told = 0;
      const onAnswer = (): void => {
        if (told === window.length - 1) return; // the last is told when all are on disk
        told += 1;
        done += 1;
        report();
      };
      const predictions = await predict(asRun(evaluation, onAnswer), model, window);
      return { window, predictions, untold: window.length - told };
    });
    for await (const { window, predictions, untold } of asked) {
      await folder.append(predictions);
      folder.addTimes(stageTimes(predictions));
      done += untold;
      failed += predictions.filter(({ status }) => status === "failed").length;
      report();
      if (maxErrors !== null && failed > maxErrors) {
        await folder.finish("partial", idsOf(windows), { measured: evaluation.model.measured() });
        return "stopped";
      }
      if (window !== missing.at(-1) && (await isStoppedNow(watcher))) {
        await folder.finish("interrupted", idsOf(windows), { measured: evaluation.model.measured() });
        return "interrupted";
      }
    }
    return "asked";
  } catch (error) {
    await folder.finish("interrupted", idsOf(windows)).catch(() => undefined); // the error above is the one that counts
    throw error;
  }
}

function idsOf(batches: readonly (readonly Sample[])[]): readonly string[] {
  return batches.flat().map(({ id }) => id);
}

/** The model blocks the thread while it computes: signals arrive when the event loop turns, so it is given a turn. */
export async function isStoppedNow(watcher: Watcher): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve));
  return watcher.isStopped();
}

/** One window, in its order. A sample whose image is not there is not asked. */
export async function predict<S extends Sample>(
  { task, split, asking, batching }: Asked<S>,
  model: Pick<VisionLanguageModel, "name" | "generate">,
  window: readonly S[],
): Promise<readonly Prediction[]> {
  const isThere = await Promise.all(window.map(({ image }) => isThereToRead(image)));
  const requests = requestsOf(window, asking);
  const asked = requests.filter((_, index) => isThere[index]);
  const generations = asked.length === 0 ? [] : await model.generate(asked, asking.decoding, batching);
  if (generations.length !== asked.length) {
    throw new Error(`${model.name}: ${generations.length} answers to ${asked.length} requests`);
  }
  const byRequest = new Map(asked.map((request, index) => [request, generations[index]!]));
  return window.map((sample, index): Prediction => {
    const { id, image } = sample;
    const request = requests[index]!;
    const asked = { id, image: image.id, prompt: request.prompt };
    const generation = byRequest.get(request);
    if (generation === undefined) {
      const error = explainMissingImage(`${task.dataset.name} ${split.name}`, image);
      return { ...asked, status: "failed", error };
    }
    if (generation.status === "failed") return { ...asked, status: "failed", error: generation.error };
    const { text, tokens, score, latencyMs } = generation;
    return { ...asked, status: "predicted", text, tokens, score, latencyMs };
  });
}

export function requestsOf<S extends Sample>(batch: readonly S[], asking: Asking<S>): readonly GenerationRequest[] {
  return batch.map((sample) => ({
    image: sample.image,
    prompt: asking.prompt(sample),
    ...(asking.maxPromptTokens !== null && { maxPromptTokens: asking.maxPromptTokens }),
  }));
}

/** What is no file of its own is tried when it is read. */
export async function isThereToRead({ path, read }: ImageReference): Promise<boolean> {
  if (read !== undefined) return true;
  return access(path).then(
    () => true,
    () => false,
  );
}
