/**
 * BLIP-2: image + prompt → text, as figure 3 of the paper. An image is encoded once for all the questions about it.
 */
import type { PixelSettings } from "./image/preprocessor-config.ts";
import { generate } from "./generation/generate.ts";
import type { ImageEncoder } from "./image-encoder.ts";
import { loadPixels } from "./image/image-processor.ts";
import type { LoadedPixels } from "./image/image-processor.ts";
import type { LanguageModel } from "./generation/language-model.ts";
import { ImageError } from "./model.ts";
import type {
  FailedGeneration,
  Generation,
  GenerationOptions,
  GenerationRequest,
  LanguageModelFamily,
  StageLatency,
  VisionLanguageModel,
} from "./model.ts";
import { StageClock } from "./stage-clock.ts";
import type { Tokenizer } from "./text/tokenizer.ts";

/** What became of an image: what the language model keeps of it, or why it could not be read. */
type SeenImage<Seen> =
  { readonly status: "seen"; readonly seen: Seen } | { readonly status: "failed"; readonly error: string };

export interface Blip2Parts<Seen> {
  readonly name: string;
  readonly family: LanguageModelFamily;
  readonly encoder: ImageEncoder;
  readonly languageModel: LanguageModel<Seen>;
  readonly tokenizer: Tokenizer;
  readonly pixels: PixelSettings;
}

export class Blip2<Seen> implements VisionLanguageModel {
  readonly name: string;
  readonly family: LanguageModelFamily;
  readonly #parts: Blip2Parts<Seen>;
  /** The images of the last batch: the next one often goes on with the last of them. */
  #images = new Map<string, SeenImage<Seen>>();
  /** Images read ahead, by id. */
  readonly #ahead = new Map<string, Promise<LoadedPixels | FailedGeneration>>();

  constructor(parts: Blip2Parts<Seen>) {
    this.name = parts.name;
    this.family = parts.family;
    this.#parts = parts;
  }

  async readAhead({ id, path }: GenerationRequest["image"]): Promise<void> {
    if (this.#images.has(id) || this.#ahead.has(id)) return;
    const pixels = this.#read(path);
    this.#ahead.set(id, pixels);
    await pixels.catch(() => undefined); // whoever takes them gets the error
  }

  async generate(
    requests: readonly GenerationRequest[],
    options: GenerationOptions,
  ): Promise<readonly (Generation | FailedGeneration)[]> {
    const encoded = await this.#see(requests);
    const answers = requests.map(({ image, prompt, maxPromptTokens }): Question<Seen> | FailedGeneration => {
      const seen = this.#images.get(image.id)!;
      if (seen.status === "failed") return seen;
      const cut = maxPromptTokens === undefined ? undefined : { maxTokens: maxPromptTokens };
      const tokens = this.#parts.tokenizer.encodePrompt(prompt, cut);
      const refusal = this.#parts.languageModel.refuse(tokens, options.newTokens.max);
      return refusal === null ? { status: "asked", seen: seen.seen, tokens } : { status: "failed", error: refusal };
    });

    const questions = answers.filter((answer) => answer.status === "asked");
    const generations = questions.length === 0 ? [] : await this.#answer(questions, options);
    return answers.map((answer, index) => {
      if (answer.status === "failed") return answer;
      const generation = generations[questions.indexOf(answer)]!;
      return { ...generation, latencyMs: { ...encoded.get(index), ...generation.latencyMs } };
    });
  }

  async release(): Promise<void> {
    await this.#parts.encoder.release();
    await this.#parts.languageModel.release();
  }

  /** Encodes the images that the last batch did not leave; gives the time of each by the request that first asked. */
  async #see(requests: readonly GenerationRequest[]): Promise<ReadonlyMap<number, StageLatency>> {
    const images = new Map<string, SeenImage<Seen>>();
    const pixels: { id: string; request: number; values: Float32Array; latencyMs: StageLatency }[] = [];
    for (const [request, { image }] of requests.entries()) {
      if (images.has(image.id)) continue;
      images.set(image.id, this.#images.get(image.id) ?? { status: "failed", error: "not encoded" });
      if (this.#images.has(image.id)) continue;
      const loaded = await (this.#ahead.get(image.id) ?? this.#read(image.path));
      this.#ahead.delete(image.id);
      if ("error" in loaded) images.set(image.id, loaded);
      else pixels.push({ id: image.id, request, ...loaded });
    }

    const latencies = new Map<number, StageLatency>();
    if (pixels.length > 0) {
      const clock = new StageClock();
      const softPrompts = await this.#parts.encoder.encode(
        pixels.map(({ values }) => values),
        clock,
      );
      const seen = await clock.time("prefix", () => this.#parts.languageModel.see(softPrompts));
      for (const [index, { id, request, latencyMs }] of pixels.entries()) {
        images.set(id, { status: "seen", seen: seen[index]! });
        latencies.set(request, { ...latencyMs, ...clock.shares(pixels.length) });
      }
    }
    this.#images = images;
    return latencies;
  }

  async #read(path: string): Promise<LoadedPixels | FailedGeneration> {
    try {
      return await loadPixels(path, this.#parts.pixels);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      return { status: "failed", error: error.message };
    }
  }

  async #answer(questions: readonly Question<Seen>[], options: GenerationOptions): Promise<readonly Generation[]> {
    const { languageModel, tokenizer } = this.#parts;
    const clock = new StageClock();
    const longest = { beams: options.beams, newTokens: options.newTokens.max };
    const start = await clock.time("prefill", () => languageModel.start(questions, longest));
    const { head, endTokens } = languageModel;
    const hypotheses = await clock.time("decode", () => generate(head, start, options, endTokens));
    const decodedMs = performance.now();
    const texts = hypotheses.map(([best]) => tokenizer.decode(best!.tokens));
    clock.add("detokenize", performance.now() - decodedMs);
    const latencyMs = clock.shares(questions.length);
    return hypotheses.map(([best], index) => {
      const { tokens, score } = best!;
      return { status: "predicted", text: texts[index]!, tokens, score, latencyMs };
    });
  }
}

/** A prompt that can be asked: what is kept of its image, and its tokens behind the image's. */
interface Question<Seen> {
  readonly status: "asked";
  readonly seen: Seen;
  readonly tokens: readonly number[];
}
