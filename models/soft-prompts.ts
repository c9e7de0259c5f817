/**
 * Image files → soft prompts: what the language model is shown of an image. Files are read ahead of being asked about,
 * images encoded in batches, and what the last window left is kept, because the next one often goes on with its last image.
 */
import type { LoadedImage } from "./features/image-tokens.ts";
import type { ImageEncoder } from "./image-encoder.ts";
import type { FailedImage, ImageFile, StageLatency } from "./model.ts";
import { floats } from "./runtime.ts";

/** What became of an image: its soft prompt [queries, width], or why it could not be read. */
export type EncodedImage = { readonly status: "encoded"; readonly softPrompt: Float32Array } | FailedImage;

interface ReadImage {
  readonly key: string;
  readonly loaded: LoadedImage;
  /** Milliseconds the model stood still for it. */
  readonly imageWait: number;
}

export class SoftPrompts {
  readonly #encoder: ImageEncoder;
  #images: ReadonlyMap<string, EncodedImage> = new Map();
  /** Images read ahead, by id. */
  readonly #ahead = new Map<string, Promise<LoadedImage | FailedImage>>();

  constructor(encoder: ImageEncoder) {
    this.#encoder = encoder;
  }

  /** Reads, decodes and resizes. Never fails: whoever takes the image gets the error. */
  async readAhead(image: ImageFile): Promise<void> {
    const { id } = image;
    if (this.#images.has(id) || this.#ahead.has(id)) return;
    const loaded = this.#encoder.load(image);
    this.#ahead.set(id, loaded);
    await loaded.catch(() => undefined);
  }

  /** Of images by key, at most `size` of them encoded at a time. `onTime` is told of each that was not there already. */
  async of(
    images: ReadonlyMap<string, ImageFile>,
    { size, onTime }: { readonly size: number; readonly onTime: (key: string, latencyMs: StageLatency) => void },
  ): Promise<ReadonlyMap<string, EncodedImage>> {
    const encoded = new Map<string, EncodedImage>();
    if (images.size === 0) return encoded;
    let batch: ReadImage[] = [];
    const encode = async (): Promise<void> => {
      const { softPrompts, latencyMs } = await this.#encoder.encode(batch.map(({ loaded }) => loaded));
      const length = floats(softPrompts).length / batch.length;
      for (const [index, { key, imageWait }] of batch.entries()) {
        const softPrompt = floats(softPrompts).subarray(index * length, (index + 1) * length);
        encoded.set(key, { status: "encoded", softPrompt });
        onTime(key, { imageWait, ...latencyMs[index] });
      }
      batch = [];
    };
    for (const [key, image] of images) {
      const kept = this.#images.get(key);
      const start = performance.now();
      const loaded = kept ?? (await (this.#ahead.get(image.id) ?? this.#encoder.load(image)));
      this.#ahead.delete(image.id);
      if (loaded.status === "loaded") batch.push({ key, loaded, imageWait: performance.now() - start });
      else encoded.set(key, loaded);
      if (batch.length === size) await encode();
    }
    if (batch.length > 0) await encode();
    this.#images = encoded;
    return encoded;
  }
}
