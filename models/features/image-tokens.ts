/**
 * An image file → image tokens [tokens, hidden]: decoded, resized and encoded, or, where features are kept, read from disk
 * as they were once encoded. What comes out is the same, bit for bit.
 *
 *   file ─► bytes ─► pixels [3, height, width] ─► vision transformer ─► image tokens
 *             └──────────── SHA-256 ─► FeatureCache ────────────────────────┘
 */
import { createHash } from "node:crypto";
import type { Tensor } from "onnxruntime-node";
import type { VisionConfig } from "../checkpoint/config.ts";
import { imageBytes, imageLimits, pixelsOf } from "../image/image-processor.ts";
import type { ImageLimits } from "../image/image-processor.ts";
import type { PixelThreads } from "../image/pixel-threads.ts";
import type { PixelSettings } from "../image/preprocessor-config.ts";
import { ImageError } from "../model.ts";
import type { FailedImage, ImageFile, StageLatency } from "../model.ts";
import { float32Tensor, floats, joinedFloats } from "../runtime.ts";
import type { Session } from "../runtime.ts";
import { StageClock } from "../stage-clock.ts";
import type { FeatureCache } from "./feature-cache.ts";
import type { FeatureShape } from "./feature-file.ts";

/** An image that was read: its pixels, or the image tokens that were kept of it. */
export interface LoadedImage {
  readonly status: "loaded";
  /** SHA-256 of the file; null where no features are kept. */
  readonly hash: string | null;
  /** [3, height, width], or [tokens, hidden] */
  readonly kind: "pixels" | "tokens";
  readonly values: Float32Array;
  readonly latencyMs: StageLatency;
}

export interface EncodedImages {
  /** [images, tokens, hidden] */
  readonly image_tokens: Tensor;
  /** Of each image: how it was loaded, and its share of what was encoded, if it was. */
  readonly latencyMs: readonly StageLatency[];
}

export interface KeptFeatures {
  readonly cache: FeatureCache;
  /** Whether an image's features are the same whatever images are encoded with it. */
  readonly isBatchInvariant: boolean;
}

export interface ImageTokensParts {
  /** pixels → image_tokens */
  readonly session: Session;
  readonly vision: VisionConfig;
  readonly pixels: PixelSettings;
  /** Of images that are decoded here, not in a thread; unset: imageLimits. */
  readonly limits?: ImageLimits;
  /** Those that decode and resize images; null: none but this one. */
  readonly threads: PixelThreads | null;
  /** null: none are kept. */
  readonly features: KeptFeatures | null;
}

/** What an image becomes: the class token's and the patches' features. */
export function featureShape({ imageSize, patch, hidden }: VisionConfig): FeatureShape {
  return { tokens: (imageSize / patch) ** 2 + 1, hidden };
}

export class ImageTokens {
  readonly #parts: ImageTokensParts;

  constructor(parts: ImageTokensParts) {
    this.#parts = parts;
  }

  async load(file: Omit<ImageFile, "id">): Promise<LoadedImage | FailedImage> {
    const { path } = file;
    const { features, pixels, threads, limits = imageLimits } = this.#parts;
    const clock = new StageClock();
    try {
      const bytes = await clock.time("imageRead", () => imageBytes(file));
      const hash = features && createHash("sha256").update(bytes).digest("hex");
      if (hash !== null && features?.isBatchInvariant === true) {
        const start = performance.now();
        const values = await features.cache.get(hash);
        if (values !== null) {
          clock.add("features", performance.now() - start);
          return { status: "loaded", hash, kind: "tokens", values, latencyMs: clock.shares(1) };
        }
      }
      const image = { path, bytes };
      const values = await (threads?.pixelsOf(image, pixels, { clock }) ?? pixelsOf(image, pixels, { clock, limits }));
      return { status: "loaded", hash, kind: "pixels", values, latencyMs: clock.shares(1) };
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      return { status: "failed", error: error.message };
    }
  }

  /** Encodes those that come as pixels, together, and keeps what they became. There is at least one image. */
  async encode(images: readonly LoadedImage[]): Promise<EncodedImages> {
    const { features } = this.#parts;
    const names = features && entryNames(images, features);
    const reading = new StageClock();
    const batch = features?.isBatchInvariant === false ? await this.#readBatch(features, names!, reading) : null;
    const kept = images.map(({ kind, values }, index) => batch?.[index] ?? (kind === "tokens" ? values : null));
    const shares = reading.shares(images.length);
    const latencyMs = images.map((image): StageLatency => ({ ...image.latencyMs, ...shares }));
    const missing = [...images.keys()].filter((index) => kept[index] === null);
    if (missing.length === 0) return { image_tokens: this.#tensor(kept), latencyMs };

    const clock = new StageClock();
    const made = await clock.time("vision", () => this.#run(missing.map((index) => images[index]!.values)));
    const share = clock.shares(missing.length);
    for (const index of missing) latencyMs[index] = { ...latencyMs[index], ...share };
    if (features === null || names === null) return { image_tokens: made, latencyMs }; // all came as pixels
    const rows = rowsOf(made);
    for (const [row, index] of missing.entries()) {
      kept[index] = rows[row]!;
      await features.cache.put(names[index]!, rows[row]!);
    }
    return { image_tokens: missing.length === images.length ? made : this.#tensor(kept), latencyMs };
  }

  /** All of a batch, or null: with one image missing the others' features are made with it again. */
  async #readBatch(
    { cache }: KeptFeatures,
    names: readonly string[],
    clock: StageClock,
  ): Promise<readonly Float32Array[] | null> {
    const start = performance.now();
    const found = await Promise.all(names.map((name) => cache.get(name)));
    const values = found.flatMap((each) => each ?? []);
    if (values.length < names.length) return null;
    clock.add("features", performance.now() - start);
    return values;
  }

  async release(): Promise<void> {
    await this.#parts.session.release();
    await this.#parts.threads?.release();
    await this.#parts.features?.cache.settled();
  }

  /** Pixels [3, height, width] each → image tokens [images, tokens, hidden] */
  async #run(images: readonly Float32Array[]): Promise<Tensor> {
    const { session, vision } = this.#parts;
    const { channels, imageSize } = vision;
    const pixels = float32Tensor(joinedFloats(images), [images.length, channels, imageSize, imageSize]);
    return (await session.run({ pixels }, ["image_tokens"])).image_tokens;
  }

  /** One image's tokens behind the other's. */
  #tensor(images: readonly (Float32Array | null)[]): Tensor {
    const { tokens, hidden } = featureShape(this.#parts.vision);
    const values = joinedFloats(images.flatMap((image) => image ?? []));
    return float32Tensor(values, [images.length, tokens, hidden]);
  }
}

/**
 * What images' features are filed under. Where they depend on the images that are encoded with them, that is their place in
 * the whole batch: another batch gives other numbers, so only features of this very batch are read.
 */
function entryNames(images: readonly LoadedImage[], { isBatchInvariant }: KeptFeatures): readonly string[] {
  const hashes = images.map(({ hash }) => hash!);
  if (isBatchInvariant) return hashes;
  const batch = createHash("sha256").update(hashes.join("\n")).digest("hex");
  return hashes.map((hash, place) => `${hash}-${place}-${batch}`);
}

/** Views of the first axis: [rows, …] → rows of […] */
function rowsOf(tensor: Tensor): readonly Float32Array[] {
  const values = floats(tensor);
  const count = tensor.dims[0] ?? 0;
  const length = values.length / count;
  return Array.from({ length: count }, (_, row) => values.subarray(row * length, (row + 1) * length));
}
