/**
 * Retrieval, stage by stage: samples → similarities of all pairs → matching of the best → ranks → scores. The two stages that
 * need the model stand apart, so that what they give can be kept: an image matched once is not matched again.
 */
import type { RetrievalSample } from "../../../datasets/dataset.ts";
import { explainMissingImage } from "../../../datasets/images.ts";
import type { FailedImage, ImageFile, ImageTextScorer, Matching, StageLatency } from "../../../models/model.ts";
import type { TextTokens } from "../../../models/text/text-batches.ts";
import { retrievalRanks, retrievalScores } from "../../../tasks/metrics/recall.ts";
import type { Gallery, RetrievalRanks, RetrievalScores } from "../../../tasks/metrics/recall.ts";
import { candidateCounts, candidates, rerankedScores } from "../../../tasks/metrics/retrieval-ranking.ts";
import { similarityScores, textsToMatch } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { MatchedTexts, Similarities } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { RetrievalProtocol, Score } from "../../../tasks/task.ts";
import { inOrder } from "../batches.ts";
import { isStoppedNow, isThereToRead } from "../evaluate.ts";
import type { Watcher } from "../evaluate.ts";

/** A split to be ranked, all of it checked. */
export interface RetrievalWork {
  readonly samples: readonly RetrievalSample[];
  readonly protocol: RetrievalProtocol;
  /** Images encoded at a time. */
  readonly batchSize: number;
  /** What the run is called in its progress. */
  readonly run: string;
  /** Data set and split, for what is said of a missing image: `flickr30k test`. */
  readonly split: string;
}

/** What is ranked: the images that could be read, their texts, and how similar each is to each. */
export interface EmbeddedSplit {
  readonly images: readonly ImageFile[];
  readonly texts: readonly TextTokens[];
  readonly gallery: Gallery;
  readonly similarities: Similarities;
  /** Sample id → why its image could not be read. It is in no ranking, and neither are its texts. */
  readonly failed: ReadonlyMap<string, string>;
}

/** null: the watcher stopped it. */
export async function embedSplit(
  scorer: ImageTextScorer,
  { samples, protocol, batchSize, run, split }: RetrievalWork,
  watcher: Watcher,
): Promise<EmbeddedSplit | null> {
  const vectors: Float32Array[] = [];
  const seen: RetrievalSample[] = [];
  const failed = new Map<string, string>();
  const batches = Array.from({ length: Math.ceil(samples.length / batchSize) }, (_, index) =>
    samples.slice(index * batchSize, (index + 1) * batchSize),
  );
  const embedding = inOrder(batches, scorer.embedsAtOnce ?? 1, async (batch) => {
    if (await isStoppedNow(watcher)) return null;
    return { batch, embedded: await scorer.embedImages(batch.map(({ image }) => image)) };
  });
  let done = 0;
  for await (const next of embedding) {
    if (next === null) return null;
    const { batch, embedded } = next;
    for (const [index, sample] of batch.entries()) {
      const outcome = embedded[index]!;
      if (outcome.status === "embedded") {
        seen.push(sample);
        vectors.push(outcome.vectors);
      } else {
        failed.set(sample.id, (await explain(sample.image, split)) ?? outcome.error);
      }
    }
    done += batch.length;
    watcher.onProgress({ run: `${run}: images`, before: 0, done, samples: samples.length, failed: failed.size });
  }

  const imageOfText = seen.flatMap(({ texts }, image) => texts.map(() => image));
  const texts = await scorer.readTexts(
    seen.flatMap((sample) => sample.texts.map(({ text }) => protocol.text(text))),
    protocol,
  );
  if (await isStoppedNow(watcher)) return null;
  const values = await scorer.compare(vectors, await scorer.embedTexts(texts));
  return {
    images: seen.map(({ image }) => image),
    texts,
    gallery: { images: seen.map(({ image }) => image.id), imageOfText },
    similarities: { values, images: seen.length, texts: texts.length },
    failed,
  };
}

async function explain(image: ImageFile, split: string): Promise<string | null> {
  return (await isThereToRead(image)) ? null : explainMissingImage(split, image);
}

export interface MatchingOptions {
  readonly rerank: number;
  readonly run: string;
  /** What an earlier run matched, by image id; of the same similarities. */
  readonly known?: ReadonlyMap<string, MatchedTexts>;
  /** Called as each image is done, to keep it. */
  readonly onMatched?: (image: ImageFile, matched: MatchedTexts, latencyMs: StageLatency) => Promise<void>;
}

/** Every pair that either direction re-ranks, once, image by image. null: the watcher stopped it. */
export async function matchCandidates(
  scorer: ImageTextScorer,
  { images, texts, similarities }: EmbeddedSplit,
  { rerank, run, known, onMatched }: MatchingOptions,
  watcher: Watcher,
): Promise<readonly MatchedTexts[] | null> {
  const all = textsToMatch(candidates(similarities, rerank));
  const before = images.filter(({ id }) => known?.has(id) === true).length;
  const matched: MatchedTexts[] = [];
  let done = before;
  const matchOne = async (own: Int32Array, index: number): Promise<Known | Matching | FailedImage | null> => {
    const image = images[index]!;
    const kept = known?.get(image.id);
    if (kept !== undefined) return { status: "known", matched: kept };
    if (await isStoppedNow(watcher)) return null;
    if (own.length === 0) return nothingToMatch;
    const read = Array.from(own, (text) => texts[text]!);
    return await scorer.match(image, read);
  };
  let index = -1;
  for await (const matching of inOrder(all, scorer.matchesAtOnce ?? 1, matchOne)) {
    index += 1;
    const [image, own] = [images[index]!, all[index]!];
    if (matching === null) return null;
    if (matching.status === "known") {
      matched.push(matching.matched);
      continue;
    }
    // It was read when it was embedded; without it the ranking would be another one.
    if (matching.status === "failed") throw new Error(`${image.path}: could be read before: ${matching.error}`);
    matched.push({ texts: own, logits: matching.logits });
    await onMatched?.(image, matched.at(-1)!, matching.latencyMs);
    done += 1;
    watcher.onProgress({ run: `${run}: matching`, before, done, samples: images.length, failed: 0 });
  }
  return matched;
}

interface Known {
  readonly status: "known";
  readonly matched: MatchedTexts;
}

const nothingToMatch: Matching = {
  status: "matched",
  logits: new Float32Array(0),
  probabilities: new Float32Array(0),
  latencyMs: {},
};

export interface RetrievalOutcome {
  /** TR@1 and so on, re-ranked; then, of ranking by similarity alone, `ITC TR@1` and so on. Empty: no image could be read. */
  readonly scores: Readonly<Record<string, Score>>;
  /** Rows, re-ranked, that the tie rule decided. */
  readonly ties: { readonly imageToText: number; readonly textToImage: number };
}

/** `rerank` 0 ranks by similarity alone. */
export function scoreRetrieval(
  { similarities, gallery }: Pick<EmbeddedSplit, "similarities" | "gallery">,
  rerank: number,
  matched: readonly MatchedTexts[],
): RetrievalOutcome {
  if (gallery.images.length === 0) return { scores: {}, ties: { imageToText: 0, textToImage: 0 } };
  const ranksOf = (scores: RetrievalScores): RetrievalRanks => retrievalRanks(scores, gallery); // ties: pessimistic
  const alone = ranksOf(similarityScores(similarities));
  const first = rerank === 0 ? alone : ranksOf(rerankedScores(similarities, candidates(similarities, rerank), matched));
  const itc = Object.entries(retrievalScores(alone, gallery)).map(([name, score]): [string, Score] => [
    `ITC ${name}`,
    score,
  ]);
  return {
    scores: { ...retrievalScores(first, gallery), ...Object.fromEntries(itc) },
    ties: { imageToText: first.imageToText.ties, textToImage: first.textToImage.ties },
  };
}

/** What is said where there are fewer candidates than are to be re-ranked; null where there are enough. */
export function rerankNote(rerank: number, { images, texts }: Pick<Similarities, "images" | "texts">): string | null {
  const counts = candidateCounts(rerank, { images, texts });
  if (counts.imageToText === rerank && counts.textToImage === rerank) return null;
  return (
    `--rerank ${rerank}: there are only ${images} images and ${texts} texts; ` +
    `${counts.imageToText} texts are re-ranked for each image and ${counts.textToImage} images for each text.`
  );
}
