/**
 * A conversation about an image: the turns, and the prompt made of as many of them as the language model has room for.
 * The model recognises the conversation by its `memory` object: an image is encoded once and, with OPT, a turn computes
 * only its own new tokens.
 */
import pLimit from "p-limit";
import type { DecodingOptions } from "../../models/model.ts";
import { conversing } from "../../tasks/own-image.ts";
import type { ProtocolName } from "../../tasks/task.ts";
import { UsageError } from "../catalog/usage-error.ts";
import type { TextGenerator } from "./text-generator.ts";
import { generationOptions, readTextOptions } from "./text-options.ts";
import type { Conversation, ConversationAnswer, ImageInput, SavedConversation, TextOptions, Turn } from "./types.ts";

export interface ConversationParts {
  readonly generator: TextGenerator;
  readonly about: Pick<SavedConversation, "model" | "precision">;
  readonly options: TextOptions;
  /** Earlier turns, the oldest first. */
  readonly turns: readonly Turn[];
  /** The decoding options of a protocol that the user named. */
  readonly decodingOf: (protocol: ProtocolName) => DecodingOptions;
}

export class OwnConversation implements Conversation {
  readonly #parts: ConversationParts;
  readonly #oneByOne = pLimit(1);
  #image: ImageInput;
  #turns: readonly Turn[];
  /**
   * Number of oldest turns left out. They stay left out, so that each prompt continues the one before and is computed
   * quickly.
   */
  #dropped = 0;
  /**
   * Identifies the conversation. It is replaced on a reset, so that the model starts anew and late answers are
   * recognised.
   */
  #memory = {};

  constructor(image: ImageInput, parts: ConversationParts) {
    this.#image = image;
    this.#parts = parts;
    this.#turns = parts.turns;
  }

  get turns(): readonly Turn[] {
    return this.#turns;
  }

  async ask(question: string, options: TextOptions = {}): Promise<ConversationAnswer> {
    return this.#oneByOne(async () => {
      const all = { ...this.#parts.options, ...options };
      const decoding = this.#decoding(all);
      const { prompt, dropped } = this.#fit(question, decoding.newTokens.max);
      const memory = this.#memory;
      const asked = { image: this.#image, prompt, conversation: memory };
      const answer = await this.#parts.generator.generate(asked, decoding, all);
      if (memory === this.#memory) {
        this.#turns = [...this.#turns, { question: question.trim(), answer: answer.text }];
        this.#dropped = dropped;
      }
      return { ...answer, droppedTurns: dropped };
    });
  }

  undo(): Turn | null {
    const last = this.#turns.at(-1) ?? null;
    this.#turns = this.#turns.slice(0, -1);
    this.#dropped = Math.min(this.#dropped, this.#turns.length);
    return last;
  }

  reset(): void {
    this.#turns = [];
    this.#dropped = 0;
    this.#memory = {};
  }

  image(next: ImageInput): void {
    this.#image = next;
    this.reset();
  }

  prompt(question: string): string {
    return this.#fit(question, this.#decoding(this.#parts.options).newTokens.max).prompt;
  }

  toJSON(): SavedConversation {
    const image = typeof this.#image === "string" ? this.#image : null;
    return { ...this.#parts.about, image, turns: this.#turns };
  }

  #decoding(options: TextOptions): ReturnType<typeof generationOptions> {
    const choice = readTextOptions(options);
    const { protocol } = choice;
    return generationOptions(choice, protocol === undefined ? conversing.decoding : this.#parts.decodingOf(protocol));
  }

  /** The prompt with as many of the latest turns as there is room for, and the number of turns left out. */
  #fit(question: string, newTokens: number): { readonly prompt: string; readonly dropped: number } {
    if (typeof question !== "string" || question.trim() === "") {
      throw new UsageError(`question: found "${question}", expected words.`);
    }
    for (let dropped = this.#dropped; ; dropped += 1) {
      const prompt = conversing.prompt(this.#turns.slice(dropped), question.trim());
      const { queries, tokens, positions } = this.#parts.generator.measurePrompt(prompt);
      const most = Math.min(conversing.mostPositions, positions ?? Infinity);
      const needed = queries + tokens + newTokens;
      if (needed <= most) return { prompt, dropped };
      if (dropped < this.#turns.length) continue;
      const parts = `${queries} queries + ${tokens} prompt tokens + ${newTokens} new`;
      throw new UsageError(`question: ${parts} = ${needed} positions, expected at most ${most}. Use fewer words.`);
    }
  }
}
