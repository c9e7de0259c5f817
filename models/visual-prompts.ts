/**
 * What the language model is shown of each request's image: its soft visual prompt (figure 3). Files are read ahead of being asked
 * about, images are encoded in batches, and what the last window left is kept, because the next one often begins with its last
 * image.
 */
import type { LoadedImage } from "./features/image-tokens.ts";
import type { ImageEncoder } from "./image-encoder.ts";
import type { FailedImage, GenerationRequest, ImageFile, StageLatency } from "./model.ts";
import { floats } from "./runtime.ts";

/** The soft prompt [queries, width] and its key: requests with one key are shown one soft prompt. Or why the image cannot be read. */
export type VisualPrompt =
  { readonly status: "encoded"; readonly key: string; readonly softPrompt: Float32Array } | FailedImage;

export interface EncodingOptions {
  /** Images encoded at a time, at most. */
  readonly size: number;
  /** Whether an image is encoded once for all its requests. */
  readonly shareImages: boolean;
  /** Told of each image that was not encoded already: the first request about it, and what it took. */
  readonly onTime: (request: number, latencyMs: StageLatency) => void;
}

interface ReadImage {
  readonly request: number;
  readonly loaded: LoadedImage;
  /** Milliseconds the model stood still for it. */
  readonly imageWait: number;
}

export class VisualPrompts {
  readonly #encoder: ImageEncoder;
  /** Of the last window, by key. */
  #kept: ReadonlyMap<string, VisualPrompt> = new Map();
  /** Images read ahead, by id. */
  readonly #ahead = new Map<string, Promise<LoadedImage | FailedImage>>();
  /** What each conversation is about. */
  readonly #conversations = new WeakMap<object, { readonly view: string; readonly prompt: VisualPrompt }>();
  #windows = 0;

  constructor(encoder: ImageEncoder) {
    this.#encoder = encoder;
  }

  /** Reads, decodes and resizes. Never fails: the request about the image gets the error. */
  async readAhead(image: ImageFile): Promise<void> {
    const { id } = image;
    if (this.#ahead.has(id) || (!this.#encoder.readsPrompt && this.#kept.has(id))) return;
    const loaded = this.#encoder.load(image);
    this.#ahead.set(id, loaded);
    await loaded.catch(() => undefined);
  }

  /** In the order of the requests. */
  async of(requests: readonly GenerationRequest[], options: EncodingOptions): Promise<readonly VisualPrompt[]> {
    this.#windows += 1;
    const views = requests.map((request) => this.#viewOf(request));
    const keys = options.shareImages
      ? views
      : views.map((view, request) => `${view} for request ${request} of window ${this.#windows}`);
    const known = requests.map(({ conversation }, request) => {
      const last = conversation === undefined ? undefined : this.#conversations.get(conversation);
      return last !== undefined && last.view === views[request] ? last.prompt : null;
    });
    const unknown = new Map<string, number>();
    for (const [request, key] of keys.entries()) {
      if (known[request] === null && !unknown.has(key)) unknown.set(key, request);
    }
    const encoded = await this.#encode(unknown, requests, options);
    if (unknown.size > 0) this.#kept = encoded;
    return requests.map(({ conversation }, request): VisualPrompt => {
      const prompt = known[request] ?? encoded.get(keys[request]!)!;
      if (conversation !== undefined) this.#conversations.set(conversation, { view: views[request]!, prompt });
      return prompt.status === "failed" ? prompt : { ...prompt, key: keys[request]! };
    });
  }

  /** Requests with one view are shown one soft prompt: the image decides, and for a Q-Former that reads it the prompt. */
  #viewOf({ image, prompt }: GenerationRequest): string {
    return this.#encoder.readsPrompt ? JSON.stringify([image.id, prompt]) : image.id;
  }

  /** `unknown`: by key the first request that is to be shown it. */
  async #encode(
    unknown: ReadonlyMap<string, number>,
    requests: readonly GenerationRequest[],
    { size, onTime }: EncodingOptions,
  ): Promise<ReadonlyMap<string, VisualPrompt>> {
    const encoded = new Map<string, VisualPrompt>();
    let batch: (ReadImage & { readonly key: string })[] = [];
    const encode = async (): Promise<void> => {
      const shown = batch.map(({ loaded, request }) => ({ image: loaded, prompt: requests[request]!.prompt }));
      const { softPrompts, latencyMs } = await this.#encoder.encode(shown);
      const length = floats(softPrompts).length / batch.length;
      for (const [index, { key, request, imageWait }] of batch.entries()) {
        const softPrompt = floats(softPrompts).subarray(index * length, (index + 1) * length);
        encoded.set(key, { status: "encoded", key, softPrompt });
        onTime(request, { imageWait, ...latencyMs[index] });
      }
      batch = [];
    };
    for (const [key, request] of unknown) {
      const { image } = requests[request]!;
      const start = performance.now();
      const found = this.#kept.get(key) ?? (await (this.#ahead.get(image.id) ?? this.#encoder.load(image)));
      this.#ahead.delete(image.id);
      if (found.status === "loaded") {
        batch.push({ key, request, loaded: found, imageWait: performance.now() - start });
      } else encoded.set(key, found);
      if (batch.length === size) await encode();
    }
    if (batch.length > 0) await encode();
    return encoded;
  }
}
