/**
 * BLIP-2: image + prompt → text, as figure 3 of the paper. An image is encoded once for all the questions about it.
 */
import type { PixelSettings } from "./image/preprocessor-config.ts";
import { SeenImages } from "./generation/seen-images.ts";
import { answerWindow } from "./generation/window.ts";
import type { Question } from "./generation/window.ts";
import type { ImageEncoder } from "./image-encoder.ts";
import type { LanguageModel } from "./generation/language-model.ts";
import type {
  Batching,
  DecodingOptions,
  FailedGeneration,
  Generation,
  GenerationRequest,
  ImageFile,
  LanguageModelFamily,
  VisionLanguageModel,
} from "./model.ts";
import { SoftPrompts } from "./soft-prompts.ts";
import type { EncodedImage } from "./soft-prompts.ts";
import { StageClock } from "./stage-clock.ts";
import type { Tokenizer } from "./text/tokenizer.ts";

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
  readonly #softPrompts: SoftPrompts;
  readonly #seenImages: SeenImages<Seen>;
  #windows = 0;

  constructor(parts: Blip2Parts<Seen>) {
    this.name = parts.name;
    this.family = parts.family;
    this.#parts = parts;
    this.#softPrompts = new SoftPrompts(parts.encoder, parts.pixels);
    this.#seenImages = new SeenImages(parts.languageModel, { queries: parts.tokenizer.imageTokens.length });
  }

  async readAhead(image: ImageFile): Promise<void> {
    await this.#softPrompts.readAhead(image);
  }

  async generate(
    requests: readonly GenerationRequest[],
    options: DecodingOptions,
    batching: Batching = allAtOnce(requests.length),
  ): Promise<readonly (Generation | FailedGeneration)[]> {
    checkBatching(batching);
    this.#windows += 1;
    const { size, onAnswer, shareImages = true } = batching;
    const answers: (Generation | FailedGeneration)[] = [];
    const answer = (request: number, given: Generation | FailedGeneration): void => {
      answers[request] = given;
      onAnswer?.(request, given);
    };
    const clocks = requests.map(() => new StageClock());
    const keyOf = (request: number): string => {
      const { id } = requests[request]!.image;
      return shareImages ? id : `${id} for request ${request} of window ${this.#windows}`;
    };

    // An image's time is its first request's.
    const firstRequests = new Map([...requests.keys()].reverse().map((request) => [keyOf(request), request]));
    const images = new Map(requests.map(({ image }, request) => [keyOf(request), image]));
    const encoded = await this.#softPrompts.of(images, {
      size,
      onTime: (key, latencyMs) => {
        for (const [stage, ms] of Object.entries(latencyMs)) clocks[firstRequests.get(key)!]!.add(stage, ms);
      },
    });

    const asked: { readonly request: number; readonly question: Question }[] = [];
    for (const [request, { prompt, maxPromptTokens }] of requests.entries()) {
      const image = keyOf(request);
      const question = this.#question(image, encoded.get(image)!, { prompt, maxPromptTokens, options });
      if ("status" in question) answer(request, question);
      else asked.push({ request, question });
    }
    if (asked.length === 0) return answers;

    const { languageModel: model, tokenizer } = this.#parts;
    const questions = asked.map(({ question }) => question);
    await answerWindow({ model, seenImages: this.#seenImages }, questions, options, {
      ...batching,
      onTime: (stage, ms, shared) => {
        for (const question of shared) clocks[asked[question]!.request]!.add(stage, ms / shared.length);
      },
      onDone: (question, [best]) => {
        const { request } = asked[question]!;
        const { tokens, score } = best!;
        const latencyMs = clocks[request]!.shares(1);
        answer(request, { status: "predicted", text: tokenizer.decode(tokens), tokens, score, latencyMs });
      },
    });
    return answers;
  }

  async release(): Promise<void> {
    await this.#parts.encoder.release();
    await this.#parts.languageModel.release();
  }

  /** Or why it cannot be asked. */
  #question(
    image: string,
    encoded: EncodedImage,
    asked: {
      readonly prompt: string | null;
      readonly maxPromptTokens: number | undefined;
      readonly options: DecodingOptions;
    },
  ): Question | FailedGeneration {
    if (encoded.status === "failed") return encoded;
    const { prompt, maxPromptTokens, options } = asked;
    const cut = maxPromptTokens === undefined ? undefined : { maxTokens: maxPromptTokens };
    const tokens = this.#parts.tokenizer.encodePrompt(prompt, cut);
    const refusal = this.#parts.languageModel.refuse(tokens, options.newTokens.max);
    if (refusal !== null) return { status: "failed", error: refusal };
    return { image, softPrompt: encoded.softPrompt, tokens };
  }
}

function allAtOnce(requests: number): Batching {
  return { size: Math.max(1, requests), refill: false, sharePrompt: false };
}

function checkBatching({ size }: Batching): void {
  if (Number.isSafeInteger(size) && size >= 1) return;
  throw new RangeError(`batching: size is ${size}, expected a whole number from 1 on.`);
}
