/**
 * The thread of a run: samples → predictions → scores, for one checkpoint on one task. Each stage is on disk before the next
 * begins, and what is on disk is not done again: a run that was stopped continues with the samples that are missing. What a
 * stage is for a checkpoint that generates text is in generation/, for one that ranks in retrieval/.
 */
import type { ScoreSheet } from "../../reports/records/run-record.ts";
import { scorerFingerprint } from "../catalog/provenance.ts";
import type { Evaluation, Gauge, PredictionsEnd } from "./verbs.ts";
import { isStoppedNow } from "./watcher.ts";
import type { Watcher } from "./watcher.ts";

const thisMachine: Gauge = {
  now: () => performance.now(),
  residentBytes: ({ residentBytes = process.memoryUsage.rss() }) => residentBytes,
};

export type EvaluationEnd =
  | { readonly status: "complete" | "partial"; readonly scores: ScoreSheet }
  | { readonly status: "interrupted" | "stopped" }
  /** A shard has been asked; the run is scored when all shards are merged. */
  | { readonly status: "shard" };

export async function evaluate(prepared: Evaluation, watcher: Watcher, gauge = thisMachine): Promise<EvaluationEnd> {
  const evaluation = (await prepared.sized?.(watcher, gauge)) ?? prepared;
  const end = await predictMissing(evaluation, watcher);
  if (end !== "predicted") return { status: end };

  const { folder, model } = evaluation;
  const order = evaluation.order();
  const isAnswered = (id: string): boolean => (folder.outcomes.get(id)?.status ?? "failed") !== "failed";
  const status = order.every(isAnswered) ? "complete" : "partial";
  await folder.finish(status, order, { measured: model.measured() });
  if (evaluation.shard !== null) return { status: "shard" };

  const scores = { ...(await evaluation.score()), scorer: await scorerFingerprint() };
  await folder.writeScores(scores);
  if ((await evaluation.keepMore?.(watcher)) === "interrupted") return { status: "interrupted" };
  return { status, scores };
}

/** The model is loaded only where a prediction is missing and is asked here. However this ends, the folder says how, and can be continued. */
async function predictMissing(evaluation: Evaluation, watcher: Watcher): Promise<PredictionsEnd> {
  const missing = await evaluation.missing();
  if (missing === null) return "predicted";
  const { plan, folder, model } = evaluation;
  if (evaluation.elsewhere === null) await model.load();
  if (await isStoppedNow(watcher)) return "interrupted";
  await folder.begin(plan, missing.kept);
  try {
    const end = await missing.predict(watcher);
    if (end === "predicted") return end;
    const status = end === "stopped" ? "partial" : end;
    await folder.finish(status, evaluation.order(), { measured: model.measured() });
    return end;
  } catch (error) {
    await folder.finish("interrupted", evaluation.order()).catch(() => undefined); // the error above is the one that counts
    throw error;
  }
}
