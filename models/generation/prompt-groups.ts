/**
 * The questions of a window in groups: those with short prompts come first, so that the prompts of a group are about as long.
 * Before a group runs, the model is shown its images; afterwards those that no other group needs are let go.
 */
import type { Prompt } from "./language-model.ts";
import { commonLength } from "./seen-images.ts";
import type { EncodedRequest, SeenImages } from "./seen-images.ts";

export interface GroupOptions {
  /** Questions at a time. */
  readonly size: number;
  /** Whether the words that all prompts begin with are run once an image. */
  readonly sharePrompt: boolean;
  /** Told of the milliseconds of each stage, and which questions share them; a question is its index. */
  readonly onTime: (stage: string, milliseconds: number, questions: readonly number[]) => void;
}

export class PromptGroups<Seen> {
  /** Indices of the questions, in the order in which they begin. */
  readonly order: readonly number[];
  readonly #seenImages: SeenImages<Seen>;
  readonly #questions: readonly EncodedRequest[];
  readonly #options: GroupOptions;
  #begun = 0;

  /** `questions`: at least one. */
  constructor(seenImages: SeenImages<Seen>, questions: readonly EncodedRequest[], options: GroupOptions) {
    this.order = [...questions.keys()].sort((a, b) => questions[a]!.tokens.length - questions[b]!.tokens.length);
    this.#seenImages = seenImages;
    this.#questions = questions;
    this.#options = options;
    seenImages.open(options.sharePrompt ? commonBeginning(questions.map(({ tokens }) => tokens)) : []);
  }

  /** Questions that have not begun. */
  get waiting(): number {
    return this.#questions.length - this.#begun;
  }

  /** Tokens of the longest prompt. */
  get longestPrompt(): number {
    return this.#questions[this.order.at(-1)!]!.tokens.length;
  }

  /** Runs the next `count` questions, or those that are left; `group` has their indices. `stage`: what the run's time is called. */
  async begin<Value>(
    count: number,
    stage: string,
    run: (prompts: readonly Prompt<Seen>[], group: readonly number[]) => Promise<Value>,
  ): Promise<Value> {
    const { size, onTime } = this.#options;
    const waiting = this.order.slice(this.#begun);
    const group = waiting.slice(0, count);
    const start = performance.now();
    const shown = await this.#seenImages.show(
      waiting.map((question) => this.#questions[question]!),
      { needed: group.length, most: size },
    );
    const middle = performance.now();
    onTime(
      "prefix",
      middle - start,
      shown.map((index) => waiting[index]!),
    );
    const value = await run(
      group.map((question) => this.#promptOf(this.#questions[question]!)),
      group,
    );
    onTime(stage, performance.now() - middle, group);
    this.#begun += group.length;
    // The next window often goes on with the image of the last question.
    const needed = [...this.order.slice(this.#begun), this.#questions.length - 1];
    this.#seenImages.keep(new Set(needed.map((index) => this.#questions[index]!.image)));
    return value;
  }

  #promptOf(question: EncodedRequest): Prompt<Seen> {
    return {
      seen: this.#seenImages.of(question),
      tokens: question.tokens,
      ...(question.conversation !== undefined && {
        onSeen: (seen: Seen) => {
          this.#seenImages.keepPrompt(question, seen);
        },
      }),
    };
  }
}

/** The tokens that all begin with; of each text at least one is left. */
export function commonBeginning(texts: readonly (readonly number[])[]): readonly number[] {
  const most = Math.min(...texts.map(({ length }) => length - 1));
  return (texts[0] ?? []).slice(0, Math.max(0, Math.min(most, commonLength(texts))));
}
