/**
 * Images as a search asks them: which texts of a gallery fit an image best? The gallery is read once; then each image is
 * embedded, compared with all of it, and matched with the best of it, as a retrieval task re-ranks image to text.
 */
import type { FailedImage, ImageFile, ImageTextScorer, StageLatency } from "../../../models/model.ts";
import type { TextTokens } from "../../../models/text/text-batches.ts";
import { highestPositions } from "../../../tasks/metrics/retrieval-ranking.ts";

/** Texts that images are ranked against. */
export interface TextGallery {
  readonly tokens: readonly TextTokens[];
  /** [texts, width] */
  readonly vectors: Float32Array;
}

export interface RankedTexts {
  readonly status: "ranked";
  /** Positions in the gallery, the best first, those that score alike together; as many as are shown. */
  readonly texts: readonly (readonly number[])[];
  /** Texts that were matched with the image. */
  readonly pairs: number;
  readonly latencyMs: StageLatency;
}

export interface Ranking {
  /** Of the most similar texts: matched with the image and put in order by logit + similarity. 0 orders by similarity. */
  readonly rerank: number;
  /** Texts that are given of each image, at most; those that were not matched are not. */
  readonly shown: number;
}

export async function readGallery(
  scorer: ImageTextScorer,
  texts: readonly string[],
  options: { readonly maxTokens: number },
): Promise<TextGallery> {
  const tokens = await scorer.readTexts(texts, options);
  return { tokens, vectors: await scorer.embedTexts(tokens) };
}

/** One batch, in its order. Nothing of an image is kept. Of equal texts the first of the gallery comes first. */
export async function rankTexts(
  scorer: ImageTextScorer,
  gallery: TextGallery,
  { images, ...ranking }: Ranking & { readonly images: readonly ImageFile[] },
): Promise<readonly (RankedTexts | FailedImage)[]> {
  const embedded = await scorer.embedImages(images);
  const vectors = embedded.flatMap((image) => (image.status === "embedded" ? [image.vectors] : []));
  const start = performance.now();
  const similarities = await scorer.compare(vectors, gallery.vectors);
  const compareMs = (performance.now() - start) / Math.max(1, vectors.length);

  const count = gallery.tokens.length;
  const ranked: (RankedTexts | FailedImage)[] = [];
  let row = 0;
  for (const [place, image] of embedded.entries()) {
    if (image.status === "failed") {
      ranked.push(image);
      continue;
    }
    const similar = similarities.subarray(row * count, (row + 1) * count);
    row += 1;
    const best = await rankOne(scorer, gallery, { image: images[place]!, similar, ...ranking });
    if (best.status === "failed") ranked.push(best);
    else ranked.push({ ...best, latencyMs: { ...image.latencyMs, compare: compareMs, ...best.latencyMs } });
  }
  scorer.forget?.(images);
  return ranked;
}

async function rankOne(
  scorer: ImageTextScorer,
  { tokens }: TextGallery,
  { image, similar, rerank, shown }: Ranking & { readonly image: ImageFile; readonly similar: Float32Array },
): Promise<RankedTexts | FailedImage> {
  const candidates = highestPositions(similar, Math.min(rerank === 0 ? shown : rerank, tokens.length));
  if (rerank === 0) {
    const texts = grouped(candidates, (text) => similar[text]!);
    return { status: "ranked", texts, pairs: 0, latencyMs: {} };
  }
  candidates.sort(); // so that equal scores stand in the order of the gallery
  const matching = await scorer.match(
    image,
    Array.from(candidates, (text) => tokens[text]!),
  );
  if (matching.status === "failed") return matching;
  // Stored into single precision, the sum is rounded as the reference rounds it.
  const scores = Float32Array.from(candidates, (text, place) => matching.logits[place]! + similar[text]!);
  const order = highestPositions(scores, scores.length).subarray(0, shown);
  const texts = grouped(order, (place) => scores[place]!).map((places) => places.map((place) => candidates[place]!));
  return { status: "ranked", texts, pairs: candidates.length, latencyMs: matching.latencyMs };
}

/** Neighbours of one score stand together. */
function grouped(order: Int32Array, scoreOf: (position: number) => number): number[][] {
  const groups: number[][] = [];
  for (const [index, position] of order.entries()) {
    const before = index === 0 ? null : scoreOf(order[index - 1]!);
    if (before === scoreOf(position)) groups.at(-1)!.push(position);
    else groups.push([position]);
  }
  return groups;
}
