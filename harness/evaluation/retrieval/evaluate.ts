/**
 * A retrieval run: similarities of all pairs → matching of the best → ranks → scores. The similarities are on disk before
 * the first image is matched, and each image's matches before the next image's: a run that was stopped goes on there.
 */
import type { RetrievalSample, Split } from "../../../datasets/dataset.ts";
import type { ImageFile, ImageTextScorer, StageLatency } from "../../../models/model.ts";
import type { Outcome } from "../../../reports/records/journal.ts";
import { readSimilarities } from "../../../reports/records/run-files.ts";
import type { RunFolder } from "../../../reports/records/run-folder.ts";
import { scoresFormat, runName } from "../../../reports/records/run-record.ts";
import type { RunPlan, ScoreSheet } from "../../../reports/records/run-record.ts";
import type { Gallery } from "../../../tasks/metrics/recall.ts";
import type { MatchedTexts } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { RetrievalProtocol, RetrievalTask, Score } from "../../../tasks/task.ts";
import { embedSplit, matchCandidates, scoreRetrieval } from "./ask.ts";
import type { EmbeddedSplit, RetrievalWork } from "./ask.ts";
import { isStoppedNow } from "../evaluate.ts";
import type { EvaluationEnd, LazyModel, Watcher } from "../evaluate.ts";
import { scorerFingerprint } from "../../catalog/provenance.ts";
import { metricScore, publishedOf } from "../generation/score.ts";

/** One checkpoint on one retrieval task, all of it checked, nothing of it done. */
export interface RetrievalEvaluation {
  readonly kind: "retrieval";
  readonly task: RetrievalTask;
  readonly split: Split<RetrievalSample>;
  readonly samples: readonly RetrievalSample[];
  readonly protocol: RetrievalProtocol;
  readonly plan: RunPlan;
  readonly folder: RunFolder;
  readonly maxErrors: number | null;
  readonly model: LazyModel<ImageTextScorer>;
}

export async function evaluateRetrieval(evaluation: RetrievalEvaluation, watcher: Watcher): Promise<EvaluationEnd> {
  const { task, split, samples, protocol, plan, folder } = evaluation;
  const end = await matchMissing(evaluation, watcher);
  if (end !== "matched") return { status: end };
  const order = samples.map(({ id }) => id);
  const { outcomes } = folder;
  const status = order.every((id) => outcomes.get(id)?.status === "matched") ? "complete" : "partial";
  await folder.finish(status, order, { measured: evaluation.model.measured() });

  const similarities = await readSimilarities(folder.path, pairsOf(seenOf(samples, outcomes)));
  const { name } = plan.checkpoint;
  const ranked = { samples, outcomes, similarities, rerank: protocol.rerank };
  const scores = scoreRanking(task, { ...ranked, split: split.name, checkpoint: name, code: plan.code.fingerprint });
  const sheet = { ...scores, scorer: await scorerFingerprint() };
  await folder.writeScores(sheet);
  return { status, scores: sheet };
}

/** Images whose files could not be read are tried again; with another gallery all is done again. */
async function matchMissing(
  evaluation: RetrievalEvaluation,
  watcher: Watcher,
): Promise<"matched" | "interrupted" | "stopped"> {
  const { samples, plan, folder } = evaluation;
  const known = matchedByImage(samples, folder.outcomes);
  const hasFailures = [...folder.outcomes.values()].some(({ status }) => status === "failed");
  const kept = hasFailures ? null : await readSimilarities(folder.path, pairsOf(samples));
  if (kept !== null && known.size === samples.length) return "matched";

  const scorer = await evaluation.model.load();
  if (await isStoppedNow(watcher)) return "interrupted";
  const order = samples.map(({ id }) => id);
  await folder.begin(plan, kept === null ? [] : order.filter((id) => folder.outcomes.has(id)));
  try {
    const end = await rank(evaluation, scorer, kept === null ? null : { similarities: kept, known }, watcher);
    if (end !== "matched") {
      const ended = end === "interrupted" ? end : "partial";
      await folder.finish(ended, order, { measured: evaluation.model.measured() });
    }
    return end;
  } catch (error) {
    await folder.finish("interrupted", order).catch(() => undefined); // the error above is the one that counts
    throw error;
  }
}

/** What an earlier run left. */
interface Kept {
  readonly similarities: Float32Array;
  readonly known: ReadonlyMap<string, MatchedTexts>;
}

async function rank(
  { task, split, samples, protocol, plan, folder, maxErrors }: RetrievalEvaluation,
  scorer: ImageTextScorer,
  kept: Kept | null,
  watcher: Watcher,
): Promise<"matched" | "interrupted" | "stopped"> {
  const run = runName(plan);
  const { batchSize } = plan.config;
  const work: RetrievalWork = { samples, protocol, batchSize, run, split: `${task.dataset.name} ${split.name}` };
  const startMs = performance.now();
  const embedded =
    kept === null ? await embedSplit(scorer, work, watcher) : await embeddedBefore(scorer, work, kept.similarities);
  if (embedded === null) return "interrupted";
  if (kept === null) {
    folder.noteStage("similarity", performance.now() - startMs);
    await folder.append(
      samples.flatMap(({ id, image }) => {
        const error = embedded.failed.get(id);
        return error === undefined ? [] : [{ id, status: "failed" as const, image: image.id, prompt: null, error }];
      }),
    );
    await folder.writeSimilarities(embedded.similarities.values);
  }
  if (maxErrors !== null && embedded.failed.size > maxErrors) return "stopped";

  const idOfImage = new Map(samples.map(({ id, image }) => [image.id, id]));
  const options = {
    rerank: protocol.rerank,
    run,
    ...(kept !== null && { known: kept.known }),
    onMatched: async (image: ImageFile, { texts, logits }: MatchedTexts, latencyMs: StageLatency): Promise<void> => {
      const id = idOfImage.get(image.id)!;
      const [places, numbers] = [Array.from(texts), Array.from(logits)];
      await folder.append([{ id, status: "matched", image: image.id, texts: places, logits: numbers, latencyMs }]);
    },
  };
  return (await matchCandidates(scorer, embedded, options, watcher)) === null ? "interrupted" : "matched";
}

async function embeddedBefore(
  scorer: ImageTextScorer,
  { samples, protocol }: RetrievalWork,
  values: Float32Array,
): Promise<EmbeddedSplit> {
  const texts = samples.flatMap((sample) => sample.texts.map(({ text }) => protocol.text(text)));
  return {
    images: samples.map(({ image }) => image),
    texts: await scorer.readTexts(texts, protocol),
    gallery: galleryOf(samples),
    similarities: { values, images: samples.length, texts: texts.length },
    failed: new Map(),
  };
}

export interface Ranked {
  readonly samples: readonly RetrievalSample[];
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** null: there are none, as no image could be read or the run was stopped. */
  readonly similarities: Float32Array | null;
  readonly rerank: number;
  readonly split: string;
  readonly checkpoint: string;
  readonly code: string;
}

/** Ranks and scores, from what is on disk. Images that could not be read are in no ranking, and neither are their texts. */
export function scoreRanking(task: RetrievalTask, ranked: Ranked): ScoreSheet {
  const { samples, outcomes, similarities, rerank, split, checkpoint, code } = ranked;
  const seen = seenOf(samples, outcomes);
  const gallery = galleryOf(seen);
  const known = matchedByImage(seen, outcomes);
  const isWhole = similarities !== null && known.size === seen.length;
  const failed = samples.length - seen.length;
  const scored = isWhole ? seen.length : 0;
  const scores: Readonly<Record<string, Score>> = isWhole
    ? scoreRetrieval(
        {
          gallery,
          similarities: { values: similarities, images: seen.length, texts: gallery.imageOfText.length },
        },
        rerank,
        seen.map(({ image }) => known.get(image.id)!),
      ).scores
    : {};
  const columns = (direction: string): [string, readonly number[]][] =>
    Object.entries(scores).flatMap(([name, { bySample }]) =>
      bySample !== undefined && name.includes(direction) ? [[name, bySample]] : [],
    );
  return {
    format: scoresFormat,
    code,
    counts: { samples: samples.length, scored, failed, missing: samples.length - scored - failed },
    metrics: Object.entries(scores).map(([name, score]) => {
      const published = publishedOf(task, checkpoint, split, name);
      return metricScore({ name, unit: "fraction", higherIsBetter: true }, score, { clusters: seen.length, published });
    }),
    samples: { id: seen.map(({ id }) => id), image: gallery.images, ...Object.fromEntries(columns("TR")) },
    texts: {
      id: seen.flatMap(({ texts }) => texts.map(({ id }) => id)),
      image: seen.flatMap(({ image, texts }) => texts.map(() => image.id)),
      ...Object.fromEntries(columns("IR")),
    },
  };
}

export function seenOf(
  samples: readonly RetrievalSample[],
  outcomes: ReadonlyMap<string, Outcome>,
): readonly RetrievalSample[] {
  return samples.filter(({ id }) => outcomes.get(id)?.status !== "failed");
}

/** Numbers in the similarities of these samples. */
export function pairsOf(samples: readonly RetrievalSample[]): number {
  return samples.length * samples.reduce((sum, { texts }) => sum + texts.length, 0);
}

function galleryOf(samples: readonly RetrievalSample[]): Gallery {
  return {
    images: samples.map(({ image }) => image.id),
    imageOfText: samples.flatMap(({ texts }, image) => texts.map(() => image)),
  };
}

function matchedByImage(
  samples: readonly RetrievalSample[],
  outcomes: ReadonlyMap<string, Outcome>,
): ReadonlyMap<string, MatchedTexts> {
  const matched = new Map<string, MatchedTexts>();
  for (const { id, image } of samples) {
    const outcome = outcomes.get(id);
    if (outcome?.status === "matched") matched.set(image.id, { texts: outcome.texts, logits: outcome.logits });
  }
  return matched;
}
