/**
 * Asking: samples → similarities of all pairs → matching of the best. The two stages stand apart, so that what they give can be
 * kept: an image matched once is not matched again.
 */
import type { RetrievalSample } from "../../../datasets/dataset.ts";
import { explainMissingImage, isThereToRead } from "../../../datasets/images.ts";
import type { FailedImage, ImageFile, ImageTextScorer, Matching, StageLatency } from "../../../models/model.ts";
import type { TextTokens } from "../../../models/text/text-batches.ts";
import type { Gallery } from "../../../tasks/metrics/recall.ts";
import { candidates, textsToMatch } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { MatchedTexts, Similarities } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { RetrievalProtocol } from "../../../tasks/task.ts";
import { inOrder } from "../in-order.ts";
import { isStoppedNow } from "../watcher.ts";
import type { Watcher } from "../watcher.ts";

/** A split to be ranked, all of it checked. */
export interface SplitToEmbed {
  readonly samples: readonly RetrievalSample[];
  readonly protocol: RetrievalProtocol;
  /** Images encoded at a time. */
  readonly batchSize: number;
  /** What the run is called in its progress. */
  readonly run: string;
  /** Data set and split, for the error of a missing image: `flickr30k test`. */
  readonly split: string;
}

/** What is ranked: the images that could be read, their texts, and how similar each is to each. */
export interface EmbeddedSplit {
  readonly images: readonly ImageFile[];
  readonly texts: readonly TextTokens[];
  readonly gallery: Gallery;
  readonly similarities: Similarities;
  /** Sample id → why it could not be asked: its row is faulty, or its image could not be read. It is in no ranking, and neither are its texts. */
  readonly failed: ReadonlyMap<string, string>;
}

/** Samples whose images are embedded together: the windows of a retrieval run. */
export function embeddingBatches<S>(samples: readonly S[], batchSize: number): readonly (readonly S[])[] {
  return Array.from({ length: Math.ceil(samples.length / batchSize) }, (_, index) =>
    samples.slice(index * batchSize, (index + 1) * batchSize),
  );
}

/** Embeds all images and texts, and compares them. null: the watcher stopped it. */
export async function embedSplit(
  scorer: ImageTextScorer,
  { samples, protocol, batchSize, run, split }: SplitToEmbed,
  watcher: Watcher,
): Promise<EmbeddedSplit | null> {
  const vectors: Float32Array[] = [];
  const seen: RetrievalSample[] = [];
  const failed = new Map<string, string>();
  const embedding = inOrder(embeddingBatches(samples, batchSize), scorer.embedsAtOnce ?? 1, async (batch) => {
    if (await isStoppedNow(watcher)) return null;
    const whole = batch.filter(({ fault }) => fault === undefined);
    const embedded = whole.length === 0 ? [] : await scorer.embedImages(whole.map(({ image }) => image));
    return { batch, outcomeOf: new Map(whole.map((sample, index) => [sample, embedded[index]!])) };
  });
  let done = 0;
  for await (const next of embedding) {
    if (next === null) return null;
    const { batch, outcomeOf } = next;
    for (const sample of batch) {
      const outcome = outcomeOf.get(sample);
      if (outcome === undefined) {
        failed.set(sample.id, sample.fault!);
      } else if (outcome.status === "embedded") {
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
  /** Ids of the images to match; unset: all. */
  readonly asked?: ReadonlySet<string>;
  /** What an earlier run matched from these similarities, by image id. */
  readonly known?: ReadonlyMap<string, MatchedTexts>;
  /** Called when an image is matched, to write it to disk. */
  readonly onMatched?: (image: ImageFile, matched: MatchedTexts, latencyMs: StageLatency) => Promise<void>;
}

/** Every pair that either direction re-ranks, once, image by image, for the images asked. null: the watcher stopped it. */
export async function matchCandidates(
  scorer: ImageTextScorer,
  { images, texts, similarities }: EmbeddedSplit,
  { rerank, run, asked, known, onMatched }: MatchingOptions,
  watcher: Watcher,
): Promise<readonly MatchedTexts[] | null> {
  const all = textsToMatch(candidates(similarities, rerank));
  const isAsked = ({ id }: ImageFile): boolean => asked?.has(id) !== false;
  const count = images.filter(isAsked).length;
  const before = images.filter((image) => isAsked(image) && known?.has(image.id) === true).length;
  const matched: MatchedTexts[] = [];
  let done = before;
  const matchOne = async (
    own: Int32Array,
    index: number,
  ): Promise<Known | NotAsked | Matching | FailedImage | null> => {
    const image = images[index]!;
    if (!isAsked(image)) return notAsked;
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
    if (matching.status === "not asked") continue;
    if (matching.status === "known") {
      matched.push(matching.matched);
      continue;
    }
    // It was read when it was embedded; without it the ranking would be another one.
    if (matching.status === "failed") throw new Error(`${image.path}: could be read before: ${matching.error}`);
    matched.push({ texts: own, logits: matching.logits });
    await onMatched?.(image, matched.at(-1)!, matching.latencyMs);
    done += 1;
    watcher.onProgress({ run: `${run}: matching`, before, done, samples: count, failed: 0 });
  }
  return matched;
}

interface Known {
  readonly status: "known";
  readonly matched: MatchedTexts;
}

interface NotAsked {
  readonly status: "not asked";
}

const notAsked: NotAsked = { status: "not asked" };

const nothingToMatch: Matching = {
  status: "matched",
  logits: new Float32Array(0),
  probabilities: new Float32Array(0),
  latencyMs: {},
};
