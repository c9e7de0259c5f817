/**
 * Retrieval: recall at 1, 5, 10 or other numbers and mean reciprocal rank, from a score for every image and text. LAVIS,
 * lavis/tasks/retrieval.py, `_report_metrics`.
 *
 *   image to text (TR)   where in its image's row is the best of the image's own texts?
 *   text to image (IR)   where in its text's row is the text's image?
 *   recall at K          the share of rows whose rank, counted from 0, is below K
 *
 * Each direction has its own matrix of scores, since re-ranking changes different pairs in each. The order of equal
 * scores is decided by the named tie rule, never by a sort. Every image has a text, every text one image.
 */
import type { RetrievalMetric, Score } from "../task.ts";
import { clusteredStandardError } from "./standard-error.ts";

/**
 * Which of equal scores comes first. `pessimistic`: a wrong candidate before a right one, so a model that scores all pairs
 * alike finds nothing. `high-index-first`: what LAVIS's reversed ascending sort does where the sort is stable; numpy's
 * default one is not, and its numbers under ties depend on the machine. `low-index-first`: the opposite.
 */
export type TieRule = "pessimistic" | "high-index-first" | "low-index-first";

/** Rows of scores. A row must be used before the next is requested, since it may be a view into a reused buffer. */
export interface RetrievalScores {
  /** [texts] */
  readonly imageToText: (image: number) => Float32Array;
  /** [images] */
  readonly textToImage: (text: number) => Float32Array;
}

export interface Gallery {
  /** The id of each image. */
  readonly images: readonly string[];
  /** For each text, the position of its image in `images`. */
  readonly imageOfText: readonly number[];
  /** What standard errors group each image by, with its texts; unset: each image is a group of its own. */
  readonly clusters?: readonly string[];
}

export interface Ranks {
  /** The rank of each row: how many candidates come before the best right one. */
  readonly ranks: Int32Array;
  /**
   * Number of rows in which a wrong candidate has exactly the score of the best right one, so that the tie rule
   * decided.
   */
  readonly ties: number;
}

export interface RetrievalRanks {
  readonly imageToText: Ranks;
  readonly textToImage: Ranks;
}

/**
 * Reads each row once, and its right candidates once more; sorts nothing.
 *
 * @throws RangeError for a row of another length or with a NaN, for an image without a text, for a text without an image.
 */
export function retrievalRanks(
  scores: RetrievalScores,
  gallery: Gallery,
  tieRule: TieRule = "pessimistic",
): RetrievalRanks {
  return {
    imageToText: ranksOfRows(textsOfImages(gallery), {
      row: scores.imageToText,
      name: (image) => `image ${gallery.images[image] ?? image}`,
      candidates: gallery.imageOfText.length,
      tieRule,
    }),
    textToImage: ranksOfRows(
      gallery.imageOfText.map((image) => [image]),
      { row: scores.textToImage, name: (text) => `text ${text}`, candidates: gallery.images.length, tieRule },
    ),
  };
}

const cutoffs = [1, 5, 10]; // the paper's, table 5

/** The paper's, and the mean reciprocal rank, which small galleries need: few ranks are exactly 1. */
export const usualRetrievalMetrics: readonly RetrievalMetric[] = [
  "recall@1",
  "recall@5",
  "recall@10",
  "MRR",
  "mean recall",
];

/**
 * For the usual metrics TR@1, TR@5, TR@10, the mean reciprocal rank `TR MRR`, the four corresponding scores for IR, and `mean
 * recall` over the six recalls. Standard errors take the gallery as fixed and the texts of an image as one cluster.
 */
export function retrievalScores(
  ranks: RetrievalRanks,
  gallery: Gallery,
  metrics: readonly RetrievalMetric[] = usualRetrievalMetrics,
): Readonly<Record<string, Score>> {
  const clusters = gallery.clusters ?? gallery.images;
  const textClusters = gallery.imageOfText.map((image) => clusters[image] ?? "");
  const { imageToText, textToImage } = ranks;
  const recalls = [imageToText, textToImage].map(({ ranks }) => mean(cutoffs.map((k) => mean(foundAmong(ranks, k)))));
  return {
    ...directionScores("TR", imageToText, { metrics, clusters }),
    ...directionScores("IR", textToImage, { metrics, clusters: textClusters }),
    ...(metrics.includes("mean recall") && { "mean recall": { value: mean(recalls), standardError: null } }),
  };
}

/** Names of the scores, first those of images finding texts. */
export function retrievalScoreNames(metrics: readonly RetrievalMetric[]): readonly string[] {
  const both = metrics.filter((metric) => metric !== "mean recall");
  return [
    ...(["TR", "IR"] as const).flatMap((direction) => both.map((metric) => scoreName(direction, metric))),
    ...metrics.filter((metric) => metric === "mean recall"),
  ];
}

/** What `mean recall` is the weighted sum of. */
export const meanRecallParts: readonly {
  readonly metric: string;
  readonly direction: Direction;
  readonly weight: number;
}[] = (["TR", "IR"] as const).flatMap((direction) =>
  cutoffs.map((k) => ({ metric: `${direction}@${k}`, direction, weight: 1 / (2 * cutoffs.length) })),
);

type Direction = "TR" | "IR";

function scoreName(direction: Direction, metric: Exclude<RetrievalMetric, "mean recall">): string {
  return metric === "MRR" ? `${direction} MRR` : `${direction}@${cutoffOf(metric)}`;
}

function cutoffOf(metric: `recall@${number}`): number {
  return Number(metric.slice("recall@".length));
}

function directionScores(
  direction: Direction,
  { ranks }: Ranks,
  { metrics, clusters }: { readonly metrics: readonly RetrievalMetric[]; readonly clusters: readonly string[] },
): Readonly<Record<string, Score>> {
  const scores: Record<string, Score> = {};
  for (const metric of metrics) {
    if (metric === "mean recall") continue;
    const bySample =
      metric === "MRR" ? Array.from(ranks, (rank) => 1 / (rank + 1)) : foundAmong(ranks, cutoffOf(metric));
    const standardError = clusteredStandardError(bySample, clusters);
    scores[scoreName(direction, metric)] = { value: mean(bySample), standardError, bySample };
  }
  return scores;
}

/** 1 for each row whose best right candidate is among the first k, else 0. */
function foundAmong(ranks: Int32Array, k: number): readonly number[] {
  return Array.from(ranks, (rank) => (rank < k ? 1 : 0));
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Positions of each image's texts, in rising order. */
function textsOfImages({ images, imageOfText }: Gallery): readonly (readonly number[])[] {
  const texts: number[][] = images.map(() => []);
  for (const [text, image] of imageOfText.entries()) {
    const own = texts[image];
    if (own === undefined) {
      throw new RangeError(`text ${text} is of image ${image}, but there are ${images.length} images`);
    }
    own.push(text);
  }
  const alone = texts.findIndex((own) => own.length === 0);
  if (alone !== -1) throw new RangeError(`image ${images[alone] ?? alone} has no text; leave it out of the gallery`);
  return texts;
}

interface Rows {
  readonly row: (index: number) => Float32Array;
  /** Names a row in an error message. */
  readonly name: (index: number) => string;
  /** Length of a row. */
  readonly candidates: number;
  readonly tieRule: TieRule;
}

function ranksOfRows(rightOfRow: readonly (readonly number[])[], { row, name, candidates, tieRule }: Rows): Ranks {
  const ranks = new Int32Array(rightOfRow.length);
  let ties = 0;
  for (const [index, right] of rightOfRow.entries()) {
    const scores = row(index);
    if (scores.length !== candidates) {
      throw new RangeError(`${name(index)}: ${scores.length} scores, expected ${candidates}, one a candidate`);
    }
    const best = bestRight(scores, right, tieRule);
    const before = countFrom(scores, best.score, { from: 0, to: best.position });
    const after = countFrom(scores, best.score, { from: best.position + 1, to: scores.length });
    if (before.unordered + after.unordered > 0 || Number.isNaN(best.score)) {
      throw new RangeError(`${name(index)}: a score is not a number, so its row has no order`);
    }
    const wrongTies = before.equal + after.equal - (best.equal - 1);
    if (wrongTies > 0) ties += 1;
    // The best right one is the first of the equal right ones under its rule, so those before it by index are wrong.
    const tiesBefore = { pessimistic: wrongTies, "high-index-first": after.equal, "low-index-first": before.equal };
    ranks[index] = before.greater + after.greater + tiesBefore[tieRule];
  }
  return { ranks, ties };
}

/** The right candidate with the highest score; among equal ones the last for `high-index-first`, else the first. */
function bestRight(
  scores: Float32Array,
  right: readonly number[],
  tieRule: TieRule,
): { score: number; position: number; equal: number } {
  let best = { score: -Infinity, position: -1, equal: 0 };
  for (const position of right) {
    const score = scores[position]!;
    if (best.position === -1 || score > best.score) {
      best = { score, position, equal: 1 };
    } else if (score === best.score) {
      best = { score, position: tieRule === "high-index-first" ? position : best.position, equal: best.equal + 1 };
    }
  }
  return best;
}

/** Scores in a part of a row that are above `score`, equal to it, or neither above, equal nor below: NaN. */
function countFrom(
  scores: Float32Array,
  score: number,
  { from, to }: { from: number; to: number },
): { greater: number; equal: number; unordered: number } {
  let greater = 0;
  let equal = 0;
  let less = 0;
  for (let index = from; index < to; index += 1) {
    const other = scores[index]!;
    if (other < score) less += 1;
    else if (other > score) greater += 1;
    else if (other === score) equal += 1;
  }
  return { greater, equal, unordered: to - from - greater - equal - less };
}
