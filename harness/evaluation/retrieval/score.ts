/**
 * Similarities and matches → ranks → scores. The model is not needed, so a run can be scored again at any time; one set of
 * predictions always gives one set of bytes.
 */
import type { RetrievalSample } from "../../../datasets/dataset.ts";
import type { Outcome } from "../../../reports/records/journal.ts";
import { scoresFormat } from "../../../reports/records/run-record.ts";
import type { ScoreSheet } from "../../../reports/records/run-record.ts";
import { retrievalRanks, retrievalScores, usualRetrievalMetrics } from "../../../tasks/metrics/recall.ts";
import type { Gallery, RetrievalRanks, RetrievalScores } from "../../../tasks/metrics/recall.ts";
import { candidates, rerankedScores, similarityScores } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { MatchedTexts } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { RetrievalMetric, RetrievalTask, Score } from "../../../tasks/task.ts";
import { metricScore, publishedOf } from "../metric-score.ts";
import type { EmbeddedSplit } from "./ask.ts";

export interface MatchedRun {
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
export function scoreRanking(task: RetrievalTask, ranked: MatchedRun): ScoreSheet {
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
        task.metrics,
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

/** How many similarities these samples have: images × texts. */
export function pairsOf(samples: readonly RetrievalSample[]): number {
  return samples.length * samples.reduce((sum, { texts }) => sum + texts.length, 0);
}

export function galleryOf(samples: readonly RetrievalSample[]): Gallery {
  return {
    images: samples.map(({ image }) => image.id),
    imageOfText: samples.flatMap(({ texts }, image) => texts.map(() => image)),
  };
}

export function matchedByImage(
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

export interface RetrievalOutcome {
  /** TR@1 and so on, re-ranked; then, of ranking by similarity alone, `ITC TR@1` and so on. Empty: no image could be read. */
  readonly scores: Readonly<Record<string, Score>>;
  /** Rows, re-ranked, that the tie rule decided. */
  readonly ties: { readonly imageToText: number; readonly textToImage: number };
}

/** Ranks both directions, re-ranked and by similarity alone, and scores the ranks. With `rerank` 0 both are by similarity alone. */
export function scoreRetrieval(
  { similarities, gallery }: Pick<EmbeddedSplit, "similarities" | "gallery">,
  rerank: number,
  matched: readonly MatchedTexts[],
  metrics: readonly RetrievalMetric[] = usualRetrievalMetrics,
): RetrievalOutcome {
  if (gallery.images.length === 0) return { scores: {}, ties: { imageToText: 0, textToImage: 0 } };
  const ranksOf = (scores: RetrievalScores): RetrievalRanks => retrievalRanks(scores, gallery); // ties: pessimistic
  const alone = ranksOf(similarityScores(similarities));
  const first = rerank === 0 ? alone : ranksOf(rerankedScores(similarities, candidates(similarities, rerank), matched));
  const itc = Object.entries(retrievalScores(alone, gallery, metrics)).map(([name, score]): [string, Score] => [
    `ITC ${name}`,
    score,
  ]);
  return {
    scores: { ...retrievalScores(first, gallery, metrics), ...Object.fromEntries(itc) },
    ties: { imageToText: first.imageToText.ties, textToImage: first.textToImage.ties },
  };
}
