/**
 * A retrieval run: similarities of all pairs → matching of the best. The similarities are on disk before the first image is
 * matched, and each image's matches before the next image's: a run that was stopped continues there.
 */
import type { RetrievalSample, Split } from "../../../datasets/dataset.ts";
import type { ImageFile, ImageTextScorer, StageLatency } from "../../../models/model.ts";
import { readSimilarities } from "../../../reports/records/run-files.ts";
import type { RunFolder } from "../../../reports/records/run-folder.ts";
import { runName } from "../../../reports/records/run-record.ts";
import type { RunPlan } from "../../../reports/records/run-record.ts";
import type { MatchedTexts } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { RetrievalProtocol, RetrievalTask } from "../../../tasks/task.ts";
import type { ClusterOf } from "../clusters.ts";
import type { LazyModel } from "../lazy-model.ts";
import type { Shard } from "../shard.ts";
import type { Evaluation, MissingPredictions, PredictionsEnd } from "../verbs.ts";
import type { Watcher } from "../watcher.ts";
import { embedSplit, matchCandidates } from "./ask.ts";
import type { EmbeddedSplit, SplitToEmbed } from "./ask.ts";
import { galleryOf, matchedByImage, pairsOf, scoreRanking, seenOf } from "./score.ts";

/** What a run of a checkpoint without a language model needs, all of it checked. */
export interface RetrievalWork {
  readonly task: RetrievalTask;
  readonly split: Split<RetrievalSample>;
  readonly samples: readonly RetrievalSample[];
  readonly protocol: RetrievalProtocol;
  readonly cluster: ClusterOf;
  readonly plan: RunPlan;
  readonly folder: RunFolder;
  readonly notes: readonly string[];
  /** The run stops when more images than this could not be read; null: never. */
  readonly maxErrors: number | null;
  /** The part of the run that is asked; null: all of it. */
  readonly shard: Shard | null;
  /** The samples of the shard, whose images are matched; all images are embedded, as rankings are among all texts. */
  readonly asked: readonly RetrievalSample[];
  readonly model: LazyModel<ImageTextScorer>;
}

export function retrievalEvaluation(work: RetrievalWork): Evaluation {
  const { task, split, samples, protocol, cluster, plan, folder, notes, shard, model } = work;
  return {
    plan,
    folder,
    samples,
    shard,
    elsewhere: null,
    model,
    notes,
    order: () => orderOf(work),
    missing: () => missingMatches(work),
    score: async () => {
      const { outcomes } = folder;
      const similarities = await readSimilarities(folder.path, pairsOf(seenOf(samples, outcomes)));
      const about = { split: split.name, checkpoint: plan.checkpoint.name, code: plan.code.fingerprint };
      return scoreRanking(task, { ...about, samples, outcomes, similarities, rerank: protocol.rerank, cluster });
    },
  };
}

/** Samples of the shard; and those whose images could not be read, wherever they are, as they are in no ranking. */
function orderOf({ samples, asked, folder }: RetrievalWork): readonly string[] {
  const own = new Set(asked.map(({ id }) => id));
  return samples.map(({ id }) => id).filter((id) => own.has(id) || folder.outcomes.get(id)?.status === "failed");
}

/** Images whose files could not be read are tried again; with another gallery all is done again. */
async function missingMatches(work: RetrievalWork): Promise<MissingPredictions | null> {
  const { samples, asked, folder } = work;
  const known = matchedByImage(asked, folder.outcomes);
  const hasFailures = [...folder.outcomes.values()].some(({ status }) => status === "failed");
  const similarities = hasFailures ? null : await readSimilarities(folder.path, pairsOf(samples));
  if (similarities !== null && known.size === asked.length) return null;
  return {
    kept: similarities === null ? [] : samples.map(({ id }) => id).filter((id) => folder.outcomes.has(id)),
    predict: async (watcher) => {
      const scorer = await work.model.load();
      return rank(work, scorer, similarities === null ? null : { similarities, known }, watcher);
    },
  };
}

/** What an earlier run left. */
interface EarlierRun {
  readonly similarities: Float32Array;
  readonly known: ReadonlyMap<string, MatchedTexts>;
}

async function rank(
  { task, split, samples, asked, protocol, plan, folder, maxErrors }: RetrievalWork,
  scorer: ImageTextScorer,
  kept: EarlierRun | null,
  watcher: Watcher,
): Promise<PredictionsEnd> {
  const run = runName(plan);
  const { batchSize } = plan.config;
  const work: SplitToEmbed = { samples, protocol, batchSize, run, split: `${task.dataset.name} ${split.name}` };
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
    const own = new Set(asked);
    scorer.forget?.(samples.filter((sample) => !own.has(sample)).map(({ image }) => image));
  }
  if (maxErrors !== null && embedded.failed.size > maxErrors) return "stopped";

  const idOfImage = new Map(samples.map(({ id, image }) => [image.id, id]));
  const options = {
    rerank: protocol.rerank,
    run,
    asked: new Set(asked.map(({ image }) => image.id)),
    ...(kept !== null && { known: kept.known }),
    onMatched: async (image: ImageFile, { texts, logits }: MatchedTexts, latencyMs: StageLatency): Promise<void> => {
      const id = idOfImage.get(image.id)!;
      const [places, numbers] = [Array.from(texts), Array.from(logits)];
      await folder.append([{ id, status: "matched", image: image.id, texts: places, logits: numbers, latencyMs }]);
    },
  };
  return (await matchCandidates(scorer, embedded, options, watcher)) === null ? "interrupted" : "predicted";
}

async function embeddedBefore(
  scorer: ImageTextScorer,
  { samples, protocol }: SplitToEmbed,
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
