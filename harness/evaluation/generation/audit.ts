/**
 * The plain way beside the fast one: each sample alone with an image of its own, then the windows of a run, with all that a
 * run shares. In fp32 both must give one answer.
 */
import type { Sample } from "../../../datasets/dataset.ts";
import type { GenerationRequest, VisionLanguageModel } from "../../../models/model.ts";
import type { AuditDifference, AuditOutcome } from "../../../reports/records/findings/audit.ts";
import type { Prediction } from "../../../reports/records/run-record.ts";
import { readAhead } from "../../processes/read-ahead.ts";
import { scoreTolerance } from "../audit.ts";
import type { AuditFindings } from "../verbs.ts";
import { askWindow, planWindows } from "./ask.ts";
import type { AskedModel, AskOptions } from "./ask.ts";
import { runBatching } from "./requests.ts";

export interface AuditWork<S extends Sample> extends Omit<AskOptions<S>, "batching"> {
  readonly samples: readonly S[];
  readonly batchSize: number;
}

/** Answers all samples in both ways and compares. `onSample` is called with how many were just answered; each counts twice. */
export async function auditGeneration<S extends Sample>(
  model: VisionLanguageModel,
  work: AuditWork<S>,
  onSample: (count: number) => void,
): Promise<AuditFindings> {
  const windows = planWindows(work.samples, work.batchSize);
  const fast: Prediction[] = [];
  const asRun = { ...work, batching: runBatching(work.batchSize) };
  for (const [index, window] of windows.entries()) {
    readAhead(model, windows.slice(index + 1));
    fast.push(...(await askWindow(model, window, asRun)));
    onSample(window.length);
  }
  const alone = unshared(model);
  const plain: Prediction[] = [];
  const oneByOne = { ...work, batching: { size: 1, refill: false, sharePrompt: false, shareImages: false } };
  for (const sample of windows.flat()) {
    plain.push(...(await askWindow(alone, [sample], oneByOne)));
    onSample(1);
  }
  return compareAnswers(plain, fast);
}

/** A model that takes every request's image for another one, so that none is encoded once for several requests. */
function unshared(model: VisionLanguageModel): AskedModel {
  const { name, weigh } = model;
  let images = 0;
  const own = <Request extends Pick<GenerationRequest, "image">>(requests: readonly Request[]): readonly Request[] =>
    requests.map((request) => {
      images += 1;
      return { ...request, image: { ...request.image, id: `${request.image.id}, alone ${images}` } };
    });
  return {
    name,
    generate: (requests, options, batching) => model.generate(own(requests), options, batching),
    ...(weigh !== undefined && { weigh: (requests, batching) => weigh(own(requests), batching) }),
  };
}

/** `plain` and `fast` are of one list of samples, in its order. */
export function compareAnswers(plain: readonly Prediction[], fast: readonly Prediction[]): AuditFindings {
  const differences: AuditDifference[] = [];
  let [failed, largest] = [0, 0];
  for (const [index, one] of plain.entries()) {
    const other = fast[index]!;
    if (one.status === "failed" && other.status === "failed") continue;
    if (one.status === "failed" || other.status === "failed") failed += 1;
    const apart = scoreDifference(one, other);
    largest = Math.max(largest, apart);
    const [plainOutcome, fastOutcome] = [outcomeOf(one), outcomeOf(other)];
    const isAnswer =
      one.status === other.status &&
      plainOutcome.text === fastOutcome.text &&
      plainOutcome.tokens.join() === fastOutcome.tokens.join();
    if (isAnswer && apart <= scoreTolerance) continue;
    const what = isAnswer ? "score" : "answer";
    differences.push({ id: one.id, what, plain: plainOutcome, fast: fastOutcome });
  }
  return { failed, differences, largestScoreDifference: largest };
}

function scoreDifference(one: Prediction, other: Prediction): number {
  if (one.status !== "predicted" || other.status !== "predicted") return 0;
  return one.score === null || other.score === null ? 0 : Math.abs(one.score - other.score);
}

function outcomeOf(prediction: Prediction): AuditOutcome {
  if (prediction.status === "failed") return { text: prediction.error, tokens: [], score: null };
  if (prediction.status === "imported") return { text: prediction.text, tokens: [], score: null };
  if (prediction.status === "matched") return { text: "", tokens: prediction.texts, score: null };
  const { text, tokens, score } = prediction;
  return { text, tokens, score };
}
