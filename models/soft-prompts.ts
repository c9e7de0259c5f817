/**
 * Image files → soft prompts: what the language model is shown of an image. Files are read ahead of being asked about,
 * images encoded in batches, and what the last window left is kept, because the next one often goes on with its last image.
 */
import type { ImageEncoder } from "./image-encoder.ts";
import { loadPixels } from "./image/image-processor.ts";
import type { LoadedPixels } from "./image/image-processor.ts";
import type { PixelSettings } from "./image/preprocessor-config.ts";
import { ImageError } from "./model.ts";
import type { FailedGeneration, ImageFile, StageLatency } from "./model.ts";
import { floats } from "./runtime.ts";
import { StageClock } from "./stage-clock.ts";

/** What became of an image: its soft prompt [queries, width], or why it could not be read. */
export type EncodedImage = { readonly status: "encoded"; readonly softPrompt: Float32Array } | FailedGeneration;

interface ReadImage {
  readonly key: string;
  readonly pixels: LoadedPixels;
}

export class SoftPrompts {
  readonly #encoder: ImageEncoder;
  readonly #settings: PixelSettings;
  #images: ReadonlyMap<string, EncodedImage> = new Map();
  /** Images read ahead, by id. */
  readonly #ahead = new Map<string, Promise<LoadedPixels | FailedGeneration>>();

  constructor(encoder: ImageEncoder, settings: PixelSettings) {
    this.#encoder = encoder;
    this.#settings = settings;
  }

  /** Reads, decodes and resizes. Never fails: whoever takes the pixels gets the error. */
  async readAhead({ id, path }: ImageFile): Promise<void> {
    if (this.#images.has(id) || this.#ahead.has(id)) return;
    const pixels = this.#read(path);
    this.#ahead.set(id, pixels);
    await pixels.catch(() => undefined);
  }

  /** Of images by key, at most `size` of them encoded at a time. `onTime` is told of each that was not there already. */
  async of(
    images: ReadonlyMap<string, ImageFile>,
    { size, onTime }: { readonly size: number; readonly onTime: (key: string, latencyMs: StageLatency) => void },
  ): Promise<ReadonlyMap<string, EncodedImage>> {
    const encoded = new Map<string, EncodedImage>();
    let batch: ReadImage[] = [];
    const encode = async (): Promise<void> => {
      const clock = new StageClock();
      const softPrompts = await this.#encode(batch, clock);
      for (const [index, { key, pixels }] of batch.entries()) {
        encoded.set(key, { status: "encoded", softPrompt: softPrompts[index]! });
        onTime(key, { ...pixels.latencyMs, ...clock.shares(batch.length) });
      }
      batch = [];
    };
    for (const [key, { id, path }] of images) {
      const kept = this.#images.get(key);
      const loaded = kept ?? (await (this.#ahead.get(id) ?? this.#read(path)));
      this.#ahead.delete(id);
      if ("status" in loaded) encoded.set(key, loaded);
      else batch.push({ key, pixels: loaded });
      if (batch.length === size) await encode();
    }
    if (batch.length > 0) await encode();
    this.#images = encoded;
    return encoded;
  }

  async #encode(batch: readonly ReadImage[], clock: StageClock): Promise<readonly Float32Array[]> {
    const softPrompts = await this.#encoder.encode(
      batch.map(({ pixels }) => pixels.values),
      clock,
    );
    const size = floats(softPrompts).length / batch.length;
    return batch.map((_, index) => floats(softPrompts).subarray(index * size, (index + 1) * size));
  }

  async #read(path: string): Promise<LoadedPixels | FailedGeneration> {
    try {
      return await loadPixels(path, this.#settings);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      return { status: "failed", error: error.message };
    }
  }
}
