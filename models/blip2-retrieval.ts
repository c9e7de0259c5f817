/**
 * BLIP-2 after its first stage: image and text → similarity, then re-ranking by matching. An image goes through the image
 * encoder once, however many texts it is matched with, and so do its keys and values for the Q-Former's cross-attention.
 *
 *   pixels → image tokens [1, 257, 1408] → query tokens [1, 32, 768] → image vectors [32, 256] ┐
 *            ▼                             text → [CLS] [768]        → text vector [256]       ┴► similarity
 *            keys and values, once an image ─► queries and text together → matching
 */
import type { Tensor } from "onnxruntime-node";
import type { RetrievalConfig } from "./checkpoint/config.ts";
import type { ImageTokenStore } from "./image-token-store.ts";
import type { ImageTokens } from "./features/image-tokens.ts";
import { CheckpointError } from "./model.ts";
import type {
  FailedImage,
  ImageEmbedding,
  ImageFile,
  ImageTextScorer,
  Likelihoods,
  Matching,
  StageLatency,
} from "./model.ts";
import { imageKeyNames } from "./networks/q-former-text.ts";
import { float32Tensor, floats, freeOnDevice, joinedFloats } from "./runtime.ts";
import type { Feeds, Session } from "./runtime.ts";
import { StageClock } from "./stage-clock.ts";
import { textBatches, textMask } from "./text/text-batches.ts";
import type { NoNumbersReason } from "./no-numbers.ts";
import type { TextTokens } from "./text/text-batches.ts";
import type { TextLikelihoods } from "./text-likelihoods.ts";
import type { Tokenizer } from "./text/tokenizer.ts";

/** A graph each, see networks/. */
export type RetrievalSessions = Readonly<
  Record<"qFormer" | "imageEmbedding" | "text" | "similarity" | "imageKeys" | "matching", Session>
>;

export interface Blip2RetrievalParts {
  readonly name: string;
  readonly weightsBytes: number;
  readonly config: RetrievalConfig;
  readonly sessions: RetrievalSessions;
  readonly tokenizer: Tokenizer;
  readonly images: ImageTokens;
  readonly store: ImageTokenStore;
  readonly noNumbersReason: NoNumbersReason;
  /** Loads what says how likely texts are, when that is first asked; rejects with a CheckpointError where it cannot. */
  readonly loadLikelihoods: () => Promise<TextLikelihoods>;
}

/** An image ready to be read with texts. */
interface SeenImage {
  readonly status: "seen";
  /** [1, tokens, vision] */
  readonly image_tokens: Tensor;
  /** Where it had to be encoded. */
  readonly encodingMs: StageLatency;
}

/** Texts read alone at a time. */
const TEXT_BATCH = 64;
/** Pairs of a batch: of 1 to 64, the fastest for a Q-Former base and images of 257 and of 677 tokens. */
const PAIR_BATCH = 16;
/** Bytes that products of images and texts may take at a time. */
const PRODUCT_BYTES = 32e6;

export class Blip2Retrieval implements ImageTextScorer {
  readonly kind = "retrieval";
  readonly name: string;
  readonly weightsBytes: number;
  readonly #parts: Blip2RetrievalParts;
  #likelihoods: Promise<TextLikelihoods> | null = null;

  constructor(parts: Blip2RetrievalParts) {
    this.name = parts.name;
    this.weightsBytes = parts.weightsBytes;
    this.#parts = parts;
  }

  async embedImages(images: readonly ImageFile[]): Promise<readonly (ImageEmbedding | FailedImage)[]> {
    const { sessions, store } = this.#parts;
    const loaded = await Promise.all(images.map((image) => this.#parts.images.load(image)));
    const seen = loaded.filter((image) => image.status === "loaded");
    const seenIds = images.filter((_, index) => loaded[index]!.status === "loaded").map(({ id }) => id);
    if (seen.length === 0) return loaded.filter((image) => image.status === "failed");

    const { image_tokens, latencyMs } = await this.#parts.images.encode(seen);
    const clock = new StageClock();
    const { query_output } = await clock.time("qFormer", () =>
      sessions.qFormer.run({ image_tokens }, ["query_output"]),
    );
    const { image_embedding } = await clock
      .time("projection", () => sessions.imageEmbedding.run({ query_output }, ["image_embedding"]))
      .finally(() => {
        freeOnDevice([query_output]);
      });
    const tokens = rows(image_tokens);
    const vectors = rows(image_embedding);
    await clock.time("store", async () => {
      for (const [row, id] of seenIds.entries()) await store.put(id, tokens[row]!);
    });
    const shares = clock.shares(seen.length);
    const isNumber = (vector: Float32Array): boolean => !vector.some(Number.isNaN);
    const error = vectors.every(isNumber) ? "" : await this.#parts.noNumbersReason("the image's vectors");
    return loaded.map((image) => {
      if (image.status === "failed") return image;
      const row = seen.indexOf(image);
      if (!isNumber(vectors[row]!)) return { status: "failed", error };
      return { status: "embedded", vectors: vectors[row]!.slice(), latencyMs: { ...latencyMs[row], ...shares } };
    });
  }

  /** Rejects with a CheckpointError where they may be longer than the Q-Former's positions. */
  readTexts(texts: readonly string[], { maxTokens }: { readonly maxTokens: number }): Promise<readonly TextTokens[]> {
    const { config, tokenizer } = this.#parts;
    const { maxPositions, vocabulary } = config.qFormer;
    if (maxTokens > maxPositions) {
      const error = new CheckpointError(
        `${this.name}: texts of ${maxTokens} tokens are asked for, but its Q-Former has ${maxPositions} text positions ` +
          "(max_position_embeddings in config.json).",
      );
      return Promise.reject(error);
    }
    // <image> stands in the vocabulary but has no embedding: in a text it means nothing.
    const isEmbedded = (token: number): boolean => token < vocabulary;
    return Promise.resolve(texts.map((text) => tokenizer.encodePrompt(text, { maxTokens }).filter(isEmbedded)));
  }

  async embedTexts(texts: readonly TextTokens[]): Promise<Float32Array> {
    const { config, sessions } = this.#parts;
    const width = config.imageTextHidden;
    const vectors = new Float32Array(texts.length * width);
    for (const batch of textBatches(texts, { size: TEXT_BATCH, pad: config.qFormer.pad })) {
      const { text_embedding } = await sessions.text.run({ ...batch.feeds, ...textMask(batch) }, ["text_embedding"]);
      for (const [row, vector] of rows(text_embedding).entries()) {
        for (const place of batch.places[row]!) vectors.set(vector, place * width);
      }
    }
    if (vectors.some(Number.isNaN)) {
      throw new CheckpointError(`${this.name}: ${await this.#parts.noNumbersReason("a text's vectors")}`);
    }
    return vectors;
  }

  async compare(images: readonly Float32Array[], texts: Float32Array): Promise<Float32Array> {
    const { config, sessions } = this.#parts;
    const { queries } = config.qFormer;
    const width = config.imageTextHidden;
    const count = texts.length / width;
    const similarities = new Float32Array(images.length * count);
    if (similarities.length === 0) return similarities;
    const text_embedding = float32Tensor(texts, [count, width]);
    const size = Math.max(1, Math.floor(PRODUCT_BYTES / (4 * queries * count)));
    for (let start = 0; start < images.length; start += size) {
      const block = images.slice(start, start + size);
      const image_embedding = float32Tensor(joinedFloats(block), [block.length, queries, width]);
      const { similarity } = await sessions.similarity.run({ image_embedding, text_embedding }, ["similarity"]);
      similarities.set(floats(similarity), start * count);
    }
    return similarities;
  }

  async match(image: ImageFile, texts: readonly TextTokens[]): Promise<Matching | FailedImage> {
    const { config, sessions } = this.#parts;
    const { queries, pad } = config.qFormer;
    const clock = new StageClock();
    const shown = await this.#see(image, clock);
    if (shown.status === "failed") return shown;
    const { image_tokens, encodingMs } = shown;
    const seen = await clock.time("imageKeys", () => this.#imageKeys(image_tokens));

    const logits = new Float32Array(texts.length);
    const probabilities = new Float32Array(texts.length);
    try {
      for (const batch of textBatches(texts, { size: PAIR_BATCH, pad })) {
        const feeds = { ...batch.feeds, ...textMask(batch, queries), ...seen };
        const { matching } = await clock.time("matching", () => sessions.matching.run(feeds, ["matching"]));
        for (const [row, [other, logit]] of rows(matching).entries()) {
          for (const place of batch.places[row]!) {
            logits[place] = logit!;
            probabilities[place] = 1 / (1 + Math.exp(other! - logit!)); // softmax of the two
          }
        }
      }
    } finally {
      freeOnDevice(seen);
    }
    if (probabilities.some(Number.isNaN)) {
      throw new CheckpointError(`${this.name}: ${await this.#parts.noNumbersReason("the matching logits")}`);
    }
    return { status: "matched", logits, probabilities, latencyMs: { ...encodingMs, ...clock.shares(1) } };
  }

  async weighTexts(image: ImageFile, texts: readonly TextTokens[]): Promise<Likelihoods | FailedImage> {
    this.#likelihoods ??= this.#parts.loadLikelihoods();
    const likelihoods = await this.#likelihoods;
    const clock = new StageClock();
    const shown = await this.#see(image, clock);
    if (shown.status === "failed") return shown;
    const sums = await likelihoods.weigh(shown.image_tokens, texts, clock);
    if (sums.logLikelihoods.some(Number.isNaN)) {
      throw new CheckpointError(`${this.name}: ${await this.#parts.noNumbersReason("the likelihoods of texts")}`);
    }
    return { status: "weighed", ...sums, latencyMs: { ...shown.encodingMs, ...clock.shares(1) } };
  }

  forget(images: readonly ImageFile[]): void {
    for (const { id } of images) this.#parts.store.drop(id);
  }

  async release(): Promise<void> {
    for (const session of Object.values(this.#parts.sessions)) await session.release();
    await this.#likelihoods?.then(
      (loaded) => loaded.release(),
      () => undefined, // the call that needed it was told why
    );
    await this.#parts.images.release();
    await this.#parts.store.release();
  }

  /** The image's tokens as they were kept when it was embedded, or encoded anew. */
  async #see(image: ImageFile, clock: StageClock): Promise<SeenImage | FailedImage> {
    const { images, store } = this.#parts;
    const kept = this.#tensor(await clock.time("store", () => store.get(image.id)));
    if (kept !== null) return { status: "seen", image_tokens: kept, encodingMs: {} };
    const loaded = await images.load(image);
    if (loaded.status === "failed") return loaded;
    const { image_tokens, latencyMs } = await images.encode([loaded]);
    return { status: "seen", image_tokens, encodingMs: latencyMs[0]! };
  }

  #tensor(tokens: Float32Array | null): Tensor | null {
    const width = this.#parts.config.qFormer.vision;
    return tokens && float32Tensor(tokens, [1, tokens.length / width, width]);
  }

  async #imageKeys(image_tokens: Tensor): Promise<Feeds> {
    const { config, sessions } = this.#parts;
    return sessions.imageKeys.run({ image_tokens }, imageKeyNames(config.qFormer));
  }
}

/** Views of the first axis: [rows, …] → rows of […] */
function rows(tensor: Tensor): readonly Float32Array[] {
  const values = floats(tensor);
  const count = tensor.dims[0] ?? 0;
  const length = values.length / count;
  return Array.from({ length: count }, (_, row) => values.subarray(row * length, (row + 1) * length));
}
