/**
 * Images as a search asks them: which texts of a gallery fit an image best? The gallery is read once; then each image is
 * embedded, compared with all of it, and matched with the best of it, as a retrieval task re-ranks image to text.
 */
import type { FailedImage, ImageFile, ImageTextScorer, StageLatency } from "../../../models/model.ts";
import type { TextTokens } from "../../../models/text/text-batches.ts";
import { rankedRow, rowCandidates } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { RerankBy } from "../../../tasks/metrics/retrieval-ranking.ts";
import { matchTexts } from "./ranking.ts";

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

export interface RankingOptions {
  /** How many of the most similar texts are matched with the image and ordered by logit + similarity. 0: ordered by similarity. */
  readonly rerank: number;
  /** What stands for the logit. */
  readonly rerankBy: RerankBy;
  /** How many texts are given for an image at most; where texts are matched, only matched ones. */
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

/** Ranks one batch of images, in its order, and forgets them. Of equal texts the first of the gallery comes first. */
export async function rankTexts(
  scorer: ImageTextScorer,
  gallery: TextGallery,
  { images, ...ranking }: RankingOptions & { readonly images: readonly ImageFile[] },
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
  {
    image,
    similar,
    rerank,
    rerankBy,
    shown,
  }: RankingOptions & { readonly image: ImageFile; readonly similar: Float32Array },
): Promise<RankedTexts | FailedImage> {
  const candidates = rowCandidates(similar, rerank === 0 ? shown : rerank);
  if (rerank === 0) return { status: "ranked", texts: rankedRow(similar, candidates, null), pairs: 0, latencyMs: {} };
  const texts = Array.from(candidates, (text) => tokens[text]!);
  const matching = await matchTexts(scorer, { image, texts, rerankBy });
  if (matching.status === "failed") return matching;
  const ranked = rankedRow(similar, candidates, (_, place) => matching.logits[place]!);
  return { status: "ranked", texts: firstOf(ranked, shown), pairs: candidates.length, latencyMs: matching.latencyMs };
}

/** As many texts as are shown, from the start. */
function firstOf(groups: readonly (readonly number[])[], shown: number): readonly (readonly number[])[] {
  let room = shown;
  const kept: (readonly number[])[] = [];
  for (const group of groups) {
    if (room === 0) break;
    kept.push(group.slice(0, room));
    room -= kept.at(-1)!.length;
  }
  return kept;
}
