/**
 * Re-ranking: similarity picks the candidates of every row, matching puts them in order. LAVIS, `compute_sim_matrix`
 * (lavis/models/blip2_models/blip2.py:97).
 *
 *   image to text (TR)   an image's row is re-ranked among its k most similar texts
 *   text to image (IR)   a text's row is re-ranked among its k most similar images
 *   score of a candidate matching logit + similarity, in single precision; of every other pair -100
 *
 * In place of the matching logit may stand how likely the Q-Former is to write the text, or the sum of both: `RerankBy`.
 *
 * The matching logit of a pair does not depend on the direction, so pairs that both directions need are matched once,
 * image by image. The similarities are the only full matrix in memory.
 */
import type { RetrievalScores } from "./recall.ts";

/**
 * Score of a pair that was not matched (blip2.py:154). Mean log-likelihoods stay above it, too: by chance among a vocabulary of
 * 30,523 a token has -10.3.
 */
const UNMATCHED = -100;

/** What is added to a candidate's similarity: matching (ITM, as in the reference), log-likelihood (ITG), or both. */
export const rerankings = ["itm", "itg", "both"] as const;
export type RerankBy = (typeof rerankings)[number];

/** Similarity of every image with every text: [images, texts] */
export interface Similarities {
  readonly values: Float32Array;
  readonly images: number;
  readonly texts: number;
}

/** Positions of the candidates of each row, in rising order. */
export interface Candidates {
  /** For each image, its candidate texts. */
  readonly imageToText: readonly Int32Array[];
  /** For each text, its candidate images. */
  readonly textToImage: readonly Int32Array[];
}

/** Texts an image was matched with, in rising order, and their logits, or what stands in place of these: see RerankBy. */
export interface MatchedTexts {
  readonly texts: Int32Array;
  readonly logits: Float32Array;
}

/** Number of candidates of a row in each direction, at most all. */
export function candidateCounts(
  rerank: number,
  { images, texts }: Pick<Similarities, "images" | "texts">,
): { readonly imageToText: number; readonly textToImage: number } {
  return { imageToText: Math.min(rerank, texts), textToImage: Math.min(rerank, images) };
}

/**
 * The `rerank` most similar of each row, or all of them. Among equally similar ones those that come first in the
 * gallery are taken.
 */
export function candidates(similarities: Similarities, rerank: number): Candidates {
  const counts = candidateCounts(rerank, similarities);
  const { images, texts } = similarities;
  const scores = similarityScores(similarities);
  return {
    imageToText: Array.from({ length: images }, (_, image) =>
      rowCandidates(scores.imageToText(image), counts.imageToText),
    ),
    textToImage: Array.from({ length: texts }, (_, text) =>
      rowCandidates(scores.textToImage(text), counts.textToImage),
    ),
  };
}

/** For each image the texts it is to be matched with for either direction, in rising order. */
export function textsToMatch({ imageToText, textToImage }: Candidates): readonly Int32Array[] {
  const texts = imageToText.map((own) => new Set(own));
  for (const [text, images] of textToImage.entries()) {
    for (const image of images) texts[image]!.add(text);
  }
  return texts.map((own) => Int32Array.from(own).sort());
}

/** Ranking by similarity alone. */
export function similarityScores({ values, images, texts }: Similarities): RetrievalScores {
  if (values.length !== images * texts) {
    throw new RangeError(`${values.length} similarities, expected ${images} images x ${texts} texts`);
  }
  const column = new Float32Array(images);
  return {
    imageToText: (image) => values.subarray(image * texts, (image + 1) * texts),
    textToImage: (text) => {
      for (let image = 0; image < images; image += 1) column[image] = values[image * texts + text]!;
      return column;
    },
  };
}

/** The matching logit of a row's candidate, which stands at `place` among the candidates. */
export type LogitOf = (candidate: number, place: number) => number;

/** Positions of the `rerank` most similar candidates of one row, in rising order. Of equal ones the lower are taken. */
export function rowCandidates(similar: Float32Array, rerank: number): Int32Array {
  return highestPositions(similar, Math.min(rerank, similar.length)).sort();
}

/**
 * The rule of re-ranking: the score of each candidate of a row, in their order. Matching logit and similarity are added
 * in single precision, as in the reference.
 *
 * @param similar the whole row
 * @param logitOf null: nothing was matched, and candidates are ranked by similarity
 */
export function candidateScores(similar: Float32Array, candidates: Int32Array, logitOf: LogitOf | null): Float32Array {
  return Float32Array.from(candidates, (candidate, place) => {
    const similarity = similar[candidate]!;
    return logitOf === null ? similarity : similarity + logitOf(candidate, place);
  });
}

/** The candidates of one row, the best first; those that score alike stand together, in rising order. See candidateScores. */
export function rankedRow(
  similar: Float32Array,
  candidates: Int32Array,
  logitOf: LogitOf | null,
): readonly (readonly number[])[] {
  const scores = candidateScores(similar, candidates, logitOf);
  const groups: number[][] = [];
  let before = Number.NaN;
  for (const place of highestPositions(scores, scores.length)) {
    const score = scores[place]!;
    if (score === before) groups.at(-1)!.push(candidates[place]!);
    else groups.push([candidates[place]!]);
    before = score;
  }
  return groups;
}

/** @param matched of each image, for at least the pairs that `textsToMatch` names */
export function rerankedScores(
  similarities: Similarities,
  { imageToText, textToImage }: Candidates,
  matched: readonly MatchedTexts[],
): RetrievalScores {
  const { images, texts } = similarities;
  const similar = similarityScores(similarities);
  const scoreRow = (row: Float32Array, own: Float32Array, candidates: Int32Array, logitOf: LogitOf): Float32Array => {
    row.fill(UNMATCHED);
    for (const [place, score] of candidateScores(own, candidates, logitOf).entries()) row[candidates[place]!] = score;
    return row;
  };
  const row = new Float32Array(texts);
  const column = new Float32Array(images);
  return {
    imageToText: (image) => {
      const logit: LogitOf = (text) => logitOf(matched[image], text, image);
      return scoreRow(row, similar.imageToText(image), imageToText[image]!, logit);
    },
    textToImage: (text) => {
      const logit: LogitOf = (image) => logitOf(matched[image], text, image);
      return scoreRow(column, similar.textToImage(text), textToImage[text]!, logit);
    },
  };
}

/** The matching logit of a text with the image that `matched` belongs to. */
export function logitOf(
  matched: { readonly texts: ArrayLike<number>; readonly logits: ArrayLike<number> } | undefined,
  text: number,
  image: string | number,
): number {
  let low = 0;
  let high = matched?.texts.length ?? 0;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (matched!.texts[middle]! < text) low = middle + 1;
    else high = middle;
  }
  if (matched?.texts[low] !== text) throw new RangeError(`image ${image} was not matched with text ${text}`);
  return matched.logits[low]!;
}

/** Positions of the `count` highest, highest first, of equal ones the lower position first. */
function highestPositions(scores: Float32Array, count: number): Int32Array {
  if (count === 0) return new Int32Array(0);
  const least = scores.slice().sort()[scores.length - count]!; // NaN would be sorted to the end
  const positions: number[] = [];
  let room = count;
  for (const score of scores) {
    if (Number.isNaN(score)) throw new RangeError("a similarity is not a number, so its row has no order");
    if (score > least) room -= 1;
  }
  for (let position = 0; position < scores.length; position += 1) {
    const score = scores[position]!;
    if (score === least && room > 0) {
      room -= 1;
      positions.push(position);
    } else if (score > least) positions.push(position);
  }
  return Int32Array.from(positions.sort((a, b) => scores[b]! - scores[a]! || a - b));
}
