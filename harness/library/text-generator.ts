/**
 * Generates one text at a time with a model, in the order of the calls. Captions, answers and turns of a conversation
 * all use it.
 */
import { ImageError } from "../../models/model.ts";
import type { GenerationOptions, ImageFile, PromptSize, VisionLanguageModel } from "../../models/model.ts";
import { UsageError } from "../catalog/usage-error.ts";
import { CallQueue } from "./call-queue.ts";
import { readImage } from "./read-image.ts";
import { TrimmedPieces } from "./trimmed-pieces.ts";
import type { GeneratedText, ImageInput, TextOptions } from "./types.ts";

export interface Asked {
  readonly image: ImageInput;
  readonly prompt: string | null;
  readonly maxPromptTokens?: number | null;
  readonly conversation?: object;
}

export class TextGenerator {
  readonly #model: VisionLanguageModel;
  readonly #calls: CallQueue;

  constructor(model: VisionLanguageModel) {
    this.#model = model;
    this.#calls = new CallQueue(model.name);
  }

  measurePrompt(prompt: string | null): PromptSize {
    if (this.#model.measurePrompt === undefined) throw new Error(`${this.#model.name} cannot measure prompts`);
    return this.#model.measurePrompt(prompt);
  }

  /**
   * Throws an ImageError for an unusable image, a UsageError for a prompt that is too long, and the signal's reason
   * once it is aborted.
   */
  async generate(asked: Asked, decoding: GenerationOptions, options: TextOptions): Promise<GeneratedText> {
    return this.#calls.add(async () => {
      options.signal?.throwIfAborted();
      this.#refuseLongPrompt(asked, decoding);
      return this.#generate({ ...asked, image: await readImage(asked.image) }, decoding, options);
    });
  }

  async #generate(
    { image, prompt, maxPromptTokens = null, conversation }: Omit<Asked, "image"> & { readonly image: ImageFile },
    decoding: GenerationOptions,
    { onText, signal, tokenProbabilities = false }: TextOptions,
  ): Promise<GeneratedText> {
    const start = performance.now();
    const pieces = new TrimmedPieces();
    let firstTextMs: number | null = null;
    const tell = (raw: string): void => {
      const piece = pieces.push(raw);
      if (piece === "") return;
      firstTextMs ??= performance.now() - start;
      onText?.(piece);
    };
    const request = {
      image,
      prompt,
      ...(maxPromptTokens !== null && { maxPromptTokens }),
      ...(conversation !== undefined && { conversation }),
    };
    const [answer] = await this.#model.generate([request], {
      ...decoding,
      tokenProbabilities,
      ...(signal !== undefined && { signal }),
      ...(onText !== undefined && {
        onText: (_request: number, piece: string) => {
          tell(piece);
        },
      }),
    });
    if (answer === undefined) throw new Error("a model gave no answer");
    if (answer.status === "failed") throw new ImageError(answer.error);
    const { text, shownTokens = null, score, latencyMs } = answer;
    return { text: text.trim(), tokens: shownTokens, score, latencyMs, firstTextMs };
  }

  async release(): Promise<void> {
    await this.#calls.release(() => this.#model.release());
  }

  #refuseLongPrompt({ prompt, maxPromptTokens = null }: Asked, { newTokens }: GenerationOptions): void {
    const size = this.#model.measurePrompt?.(prompt);
    if (size === undefined || size.positions === null) return;
    const tokens = Math.min(size.tokens, maxPromptTokens ?? Infinity);
    const needed = size.queries + tokens + newTokens.max;
    if (needed <= size.positions) return;
    const parts = `${size.queries} queries + ${tokens} prompt tokens + ${newTokens.max} new`;
    throw new UsageError(
      `prompt: ${parts} = ${needed} positions, the language model has ${size.positions}. Use fewer words, or fewer maxNewTokens.`,
    );
  }
}
