/**
 * Asking: samples → windows → predictions. A window is a few batches' worth of samples, and windows are fixed by the samples
 * and the batch size alone: a run that continues after a crash forms the windows of a run that never stopped, and a model
 * whose rounding depends on what is in a batch gives the same bytes in both.
 */
import type { Sample, Split } from "../../../datasets/dataset.ts";
import { explainMissingImage, isThereToRead } from "../../../datasets/images.ts";
import type {
  Batching,
  FailedGeneration,
  Generation,
  GenerationRequest,
  VisionLanguageModel,
} from "../../../models/model.ts";
import type { RunFolder } from "../../../reports/records/run-folder.ts";
import type { Prediction, RunPlan } from "../../../reports/records/run-record.ts";
import type { GenerationTask } from "../../../tasks/task.ts";
import type { ClusterOf } from "../clusters.ts";
import type { LazyModel } from "../lazy-model.ts";
import type { Elsewhere } from "../elsewhere.ts";
import type { Shard } from "../shard.ts";
import type { Asking } from "./asking.ts";
import { rankAnswers } from "./rank-answers.ts";
import { requestsOf } from "./requests.ts";
import type { RankedAnswer } from "./rank-answers.ts";

/** What a run of a checkpoint with a language model needs, all of it checked. */
export interface GenerationWork<S extends Sample> {
  readonly task: GenerationTask<S>;
  readonly split: Split<S>;
  readonly samples: readonly S[];
  readonly asking: Asking<S>;
  readonly cluster: ClusterOf;
  readonly plan: RunPlan;
  /** The plan's batch size is to be measured first, see batch-size.ts. */
  readonly isBatchSizeOpen: boolean;
  /** Bytes that answering may take beside the loaded model, where the batch size is measured; null: half of what is free then. */
  readonly memoryBudget: number | null;
  readonly folder: RunFolder;
  /** The run stops when more samples than this have failed; null: never. */
  readonly maxErrors: number | null;
  /** Samples whose first step is kept (first-steps.ts). */
  readonly firstSteps: number;
  /** The part of the run that is asked; null: all of it. */
  readonly shard: Shard | null;
  /** Where windows are answered; null: here. */
  readonly elsewhere: Elsewhere | null;
  readonly model: LazyModel<VisionLanguageModel>;
}

/**
 * Batches in a window. Within it rows of finished samples are filled again, so the last few of a window decode in a batch
 * that is not full: with more batches that is rarer, and more is lost when a run is killed.
 */
const batchesPerWindow = 4;

/**
 * Samples about one image stand together, so that it is encoded once; images in the order they first come. A window has
 * as many whole images as fit. No image is in two windows, where it would be encoded in the company of other images, unless
 * it has more samples than fit: then it has windows of its own.
 */
export function planWindows<S extends Sample>(samples: readonly S[], batchSize: number): readonly (readonly S[])[] {
  const size = batchesPerWindow * batchSize;
  const byImage = new Map<string, S[]>();
  for (const sample of samples) {
    const together = byImage.get(sample.image.id);
    if (together === undefined) byImage.set(sample.image.id, [sample]);
    else together.push(sample);
  }
  const windows: (readonly S[])[] = [];
  let window: S[] = [];
  for (const together of byImage.values()) {
    if (window.length > 0 && window.length + together.length > size) {
      windows.push(window);
      window = [];
    }
    window.push(...together);
    if (window.length <= size) continue;
    for (let start = 0; start < window.length; start += size) windows.push(window.slice(start, start + size));
    window = [];
  }
  if (window.length > 0) windows.push(window);
  return windows;
}

/** What decides how the samples of a window are asked. */
export interface AskOptions<S extends Sample> {
  readonly task: GenerationTask<S>;
  readonly split: Split<S>;
  readonly asking: Asking<S>;
  readonly batching: Batching;
}

export type AskedModel = Pick<VisionLanguageModel, "name" | "generate" | "weigh">;

/**
 * The predictions of a window, in its order. A sample whose prompt cannot be made, or whose image is not there, fails without being
 * asked.
 */
export async function askWindow<S extends Sample>(
  model: AskedModel,
  window: readonly S[],
  { task, split, asking, batching }: AskOptions<S>,
): Promise<readonly Prediction[]> {
  const isThere = await Promise.all(window.map(({ image }) => isThereToRead(image)));
  const requests = await requestsOf(model, window, { asking, size: batching.size });
  const asked = requests.filter(({ fault }, index) => isThere[index] === true && fault === null);
  const answers = asked.length === 0 ? [] : await answersTo(model, asked, { asking, batching });
  if (answers.length !== asked.length) {
    throw new Error(`${model.name}: ${answers.length} answers to ${asked.length} requests`);
  }
  const byRequest = new Map(asked.map(({ request }, index) => [request, answers[index]!]));
  return requests.map(({ sample: { id, image }, request, shots, fault }): Prediction => {
    const about = { id, image: image.id, prompt: request.prompt, ...(shots.length > 0 && { shots }) };
    const answer = byRequest.get(request);
    if (answer === undefined) {
      const error = fault ?? explainMissingImage(`${task.dataset.name} ${split.name}`, image);
      return { ...about, status: "failed", error };
    }
    if (answer.status === "failed") return { ...about, status: "failed", error: answer.error };
    const { text, tokens, score, latencyMs } = answer;
    const ranked = "candidates" in answer && { candidates: answer.candidates };
    return { ...about, status: "predicted", text, tokens, score, latencyMs, ...ranked };
  });
}

/** Generated, or chosen among candidates. */
async function answersTo<S extends Sample>(
  model: AskedModel,
  asked: readonly { readonly sample: S; readonly request: GenerationRequest }[],
  { asking, batching }: Pick<AskOptions<S>, "asking" | "batching">,
): Promise<readonly (Generation | RankedAnswer | FailedGeneration)[]> {
  const { ranking, decoding } = asking;
  if (ranking !== undefined) return rankAnswers(model, asked, { ranking, batching });
  return model.generate(
    asked.map(({ request }) => request),
    decoding,
    batching,
  );
}
