/**
 * Times re-ranking, and measures the memory of similarities:
 *
 *   npm run bench:retrieval -- [--texts 64] [--rounds 6] [--threads 2] [--folder scratch/itm] [--images 1000]
 *
 * One JSON object a line. Re-ranking is timed in two alternating variants, the best round of each: with an image's keys
 * and values computed once for all its texts, as a run does, and computed again for every pair, as the reference does.
 * Images have 257 or 677 tokens, as in blip2-itm-vit-g and its COCO version; the Q-Former has the base size and random
 * weights, written at the start.
 */
import { tmpdir } from "node:os";
import path from "node:path";
import { Blip2Retrieval } from "../../models/blip2-retrieval.ts";
import type { Blip2RetrievalParts } from "../../models/blip2-retrieval.ts";
import { openCheckpoint } from "../../models/checkpoint/checkpoint.ts";
import { fp32Weights } from "../../models/checkpoint/float-weights.ts";
import { normalNumbers, uniformNumbers } from "../../models/checkpoint/random-numbers.ts";
import { retrievalShapes } from "../../models/checkpoint/random-shapes.ts";
import { Weights } from "../../models/checkpoint/weights.ts";
import { loadImageTokens } from "../../models/features/load-image-tokens.ts";
import { ImageTokenStore } from "../../models/image-token-store.ts";
import { loadRetrievalCheckpoint, loadRetrievalSessions } from "../../models/load-blip2-retrieval.ts";
import { readPixelSettings } from "../../models/image/read-pixel-settings.ts";
import type { LoadOptions } from "../../models/load-blip2.ts";
import { noNumbersReason } from "../../models/no-numbers.ts";
import { CheckpointError } from "../../models/model.ts";
import { imageKeyNames } from "../../models/networks/q-former-text.ts";
import { float32Tensor, floats } from "../../models/runtime.ts";
import type { Feeds } from "../../models/runtime.ts";
import { textBatches, textMask } from "../../models/text/text-batches.ts";
import type { TextTokens } from "../../models/text/text-batches.ts";
import { loadTokenizer } from "../../models/text/tokenizer.ts";
import { retrievalRanks, retrievalScores } from "../../tasks/metrics/recall.ts";
import { candidates, similarityScores } from "../../tasks/metrics/retrieval-ranking.ts";
import { usableProcessors } from "../catalog/usable-processors.ts";
import { peakMemoryMiB, print, provideCheckpoint, readFlags, round, runBenchmark } from "./bench-report.ts";

const WORDS = 12; // tokens of a text, [CLS] and [SEP] included; most texts of COCO have about as many
const SEED = 2014;
/** Pairs in a batch, as in models/blip2-retrieval.ts. */
const PAIR_BATCH = 16;
/** Pairs for which keys and values are recomputed: few, since every pair costs equally much. */
const RECOMPUTED_PAIRS = 16;

async function main(): Promise<void> {
  const flags = readFlags(
    "bench:retrieval",
    {
      texts: 64, // half of the protocol's 128, so that there is time for more rounds
      rounds: 6,
      threads: usableProcessors(),
      folder: path.join(tmpdir(), "blip2-bench-q-former-base"),
      images: 1000, // Flickr30k's test split, with 5,000 texts
    },
    process.argv.slice(2),
  );
  const cacheFolder = path.join(tmpdir(), "blip2-bench-cache");
  const options = { threads: flags.count("threads"), cacheFolder, hubCache: "" };
  const [texts, rounds] = [flags.count("texts"), flags.count("rounds")];
  await measureMemory(flags.count("images"), options); // first, since a later, lower peak of memory could not be seen
  await timeReranking(flags.text("folder"), { texts, rounds, options });
}

/**
 * Random vectors of all images and texts → similarities of all pairs → candidates and recall, with the code that a run
 * uses.
 */
async function measureMemory(images: number, options: LoadOptions): Promise<void> {
  const shape = retrievalShapes.comparison;
  const folder = path.join(tmpdir(), "blip2-bench-comparison");
  await provideCheckpoint(folder, shape);
  const scorer = await loadRetrievalCheckpoint(await openCheckpoint(folder, options), options);
  const beforeMiB = process.memoryUsage.rss() / 2 ** 20;

  const texts = 5 * images;
  const { queries } = shape;
  const { width } = shape.text;
  const deviation = width ** -0.5; // so that vectors have a length of about 1
  const vectors = Array.from({ length: images }, (_, image) =>
    normalNumbers(queries * width, { seed: SEED + image, deviation }),
  );
  const textVectors = normalNumbers(texts * width, { seed: SEED - 1, deviation });
  const values = await scorer.compare(vectors, textVectors);
  const heldBytes = images * queries * width * 4 + textVectors.byteLength + values.byteLength;
  const afterComparing = peakMemoryMiB() - beforeMiB;

  const similarities = { values, images, texts };
  const gallery = {
    images: vectors.map((_, image) => String(image)),
    imageOfText: Array.from({ length: texts }, (_, text) => Math.floor(text / 5)),
  };
  const { imageToText } = candidates(similarities, 128);
  const scores = retrievalScores(retrievalRanks(similarityScores(similarities), gallery), gallery);
  await scorer.release();
  print({
    work: "similarities and embeddings in memory",
    images,
    texts,
    arraysMiB: round(heldBytes / 2 ** 20),
    peakAboveStartMiB: { comparing: round(afterComparing), ranking: round(peakMemoryMiB() - beforeMiB) },
    startMiB: round(beforeMiB),
    candidates: imageToText[0]?.length ?? 0,
    "TR@10": round(scores["TR@10"]?.value ?? 0, 4), // the value that chance gives
  });
}

interface Timing {
  readonly texts: number;
  readonly rounds: number;
  readonly options: LoadOptions;
}

type Parts = Omit<Blip2RetrievalParts, "store">;

async function timeReranking(folder: string, { texts, rounds, options }: Timing): Promise<void> {
  await provideCheckpoint(folder, retrievalShapes["q-former-base"]);
  const parts = await loadParts(folder, options);
  const { vocabulary, vision } = parts.config.qFormer;
  const uniform = uniformNumbers(SEED);
  const word = (): number => Math.floor(vocabulary * uniform());
  const all = Array.from({ length: texts }, () => Array.from({ length: WORDS }, word));

  const settings: Setting[] = [];
  for (const imageTokens of [257, 677]) {
    const values = normalNumbers(imageTokens * vision, { seed: SEED, deviation: 1 });
    settings.push(await setting(parts, { values, imageTokens, texts: all, cacheFolder: options.cacheFolder }));
  }
  for (let round = 0; round <= rounds; round += 1) {
    for (const each of settings) await each.time({ isWarmUp: round === 0 });
  }
  for (const each of settings) {
    print({ work: "re-ranking", ...each.report(), textsAnImage: texts, words: WORDS, threads: options.threads });
    await each.release();
  }
  for (const session of Object.values(parts.sessions)) await session.release();
  print({ work: "all of it", peakMemoryMiB: peakMemoryMiB() });
}

/** Loads a retrieval checkpoint like loadRetrievalCheckpoint, but gives access to its single sessions. */
async function loadParts(folder: string, options: LoadOptions): Promise<Parts> {
  const checkpoint = await openCheckpoint(folder, options);
  const { name, config } = checkpoint;
  if (config.kind !== "retrieval") {
    throw new CheckpointError(`${folder}: a checkpoint that generates text. Give --folder one for retrieval.`);
  }
  const weights = Weights.of(name, await fp32Weights(checkpoint, options));
  return {
    name,
    weightsBytes: 0, // not used here
    config,
    images: await loadImageTokens(checkpoint, { weights, pixels: await readPixelSettings(checkpoint) }, options),
    sessions: await loadRetrievalSessions(weights, config, options),
    tokenizer: await loadTokenizer(checkpoint.folder, config),
    noNumbersReason: noNumbersReason(checkpoint),
    loadLikelihoods: () => Promise.reject(new Error("not asked for here")),
  };
}

/** An image with a given number of tokens, and its texts. */
interface Setting {
  /** Times one round of both variants. */
  readonly time: (round: { readonly isWarmUp: boolean }) => Promise<void>;
  readonly report: () => object;
  readonly release: () => Promise<void>;
}

interface Given {
  /** [imageTokens, vision] */
  readonly values: Float32Array;
  readonly imageTokens: number;
  readonly texts: readonly TextTokens[];
  readonly cacheFolder: string;
}

async function setting(parts: Parts, { values, imageTokens, texts, cacheFolder }: Given): Promise<Setting> {
  const store = new ImageTokenStore(path.join(cacheFolder, "image-tokens"), {
    byteLength: values.byteLength,
    limitBytes: null,
  });
  const image = { id: "made up", path: "" };
  await store.put(image.id, values);
  const model = new Blip2Retrieval({ ...parts, store });
  const tokens = float32Tensor(values, [1, imageTokens, parts.config.qFormer.vision]);
  const least = { once: Infinity, everyPair: Infinity }; // fastest round so far, milliseconds a pair
  let largestDifference = 0;

  return {
    time: async ({ isWarmUp }) => {
      const own = isWarmUp ? texts.slice(0, PAIR_BATCH) : texts;
      const fewer = own.slice(0, RECOMPUTED_PAIRS);
      const start = performance.now();
      const matching = await model.match(image, own);
      const middle = performance.now();
      const logits = await matchRecomputing(parts, tokens, fewer);
      const end = performance.now();
      if (matching.status === "failed") throw new Error(matching.error);
      for (const [place, logit] of logits.entries()) {
        largestDifference = Math.max(largestDifference, Math.abs(logit - matching.logits[place]!));
      }
      if (isWarmUp) return;
      least.once = Math.min(least.once, (middle - start) / own.length);
      least.everyPair = Math.min(least.everyPair, (end - middle) / fewer.length);
    },
    report: () => ({
      imageTokens,
      pairsPerSecond: round(1000 / least.once, 2),
      pairsPerSecondRecomputing: round(1000 / least.everyPair, 2),
      ratio: round(least.everyPair / least.once, 2),
      largestDifference,
    }),
    release: () => store.release(),
  };
}

/**
 * Blip2Retrieval.match without its optimisation: computes keys and values again for each pair. Only those of the last
 * pair are copied out of the graph, since a copy would cost half as much as the arithmetic, and the reference makes
 * none.
 */
async function matchRecomputing(
  { config: { qFormer }, sessions }: Parts,
  image_tokens: Feeds[string],
  texts: readonly TextTokens[],
): Promise<Float32Array> {
  const names = imageKeyNames(qFormer);
  const logits = new Float32Array(texts.length);
  for (const batch of textBatches(texts, { size: PAIR_BATCH, pad: qFormer.pad })) {
    const feeds = { ...batch.feeds, ...textMask(batch, qFormer.queries) };
    let seen: Feeds = {};
    const pairs = batch.places.length;
    for (let pair = 1; pair <= pairs; pair += 1) {
      seen = await sessions.imageKeys.run({ image_tokens }, pair < pairs ? names.slice(-1) : names);
    }
    const { matching } = await sessions.matching.run({ ...feeds, ...seen }, ["matching"]);
    const both = floats(matching); // [pairs, 2]
    for (const [row, places] of batch.places.entries()) {
      for (const place of places) logits[place] = both[2 * row + 1]!;
    }
  }
  return logits;
}

await runBenchmark(main);
