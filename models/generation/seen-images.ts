/**
 * What the language model keeps of images (for OPT the keys and values of queries and common words: megabytes), for as long
 * as questions about them are to come; and of conversations, whose prompts each continue the one before.
 */
import { float32Tensor } from "../runtime.ts";
import type { LanguageModel } from "./language-model.ts";

/** A request as the language model takes it: its image is a soft prompt, its text is tokens. */
export interface EncodedRequest {
  /** Key of the image: requests with one key are about one image. */
  readonly image: string;
  /** [queries, width] */
  readonly softPrompt: Float32Array;
  /** Behind the queries. */
  readonly tokens: readonly number[];
  /** Its identity is the conversation's; unset: the question is asked by itself. */
  readonly conversation?: object;
}

type SeeingModel<Seen> = Pick<LanguageModel<Seen>, "see" | "forget" | "shorten">;

export class SeenImages<Seen> {
  readonly #model: SeeingModel<Seen>;
  readonly #queries: number;
  readonly #seen = new Map<string, Seen>();
  /** The last prompt of each conversation, and what was kept of it. */
  readonly #conversations = new WeakMap<object, { readonly question: EncodedRequest; readonly seen: Seen }>();
  #common: readonly number[] = [];

  constructor(model: SeeingModel<Seen>, { queries }: { readonly queries: number }) {
    this.#model = model;
    this.#queries = queries;
  }

  /** Prompts to come all begin with `common`; what was kept for others is of no use. */
  open(common: readonly number[]): void {
    if (common.join() !== this.#common.join()) this.keep(new Set());
    this.#common = common;
  }

  /** Of a question's image, which was shown before, or of what its conversation has come to. */
  of(question: EncodedRequest): Seen {
    return this.#recall(question) ?? this.#seen.get(question.image)!;
  }

  /** `seen`: of a question's image and all of its tokens. */
  keepPrompt(question: EncodedRequest, seen: Seen): void {
    if (question.conversation !== undefined) this.#conversations.set(question.conversation, { question, seen });
  }

  /** What was kept of the tokens that the conversation's last prompt and this one begin with; null: nothing. */
  #recall({ conversation, image, tokens }: EncodedRequest): Seen | null {
    const last = conversation === undefined ? undefined : this.#conversations.get(conversation);
    if (last === undefined || last.question.image !== image || this.#model.shorten === undefined) return null;
    // One token is left to run: what follows a prompt is predicted from its last token.
    const common = Math.min(commonLength([last.question.tokens, tokens]), tokens.length - 1);
    return this.#model.shorten(last.seen, common);
  }

  /**
   * Shows the model the images of the first `needed` questions, those together that it has not seen; and then, so that this
   * is worth its while, images of the next questions, `most` at a time. Gives the first question of each new image.
   */
  async show(
    questions: readonly EncodedRequest[],
    { needed, most }: { readonly needed: number; readonly most: number },
  ): Promise<readonly number[]> {
    const unseen = new Map<string, number>();
    for (const [index, question] of questions.entries()) {
      const { image } = question;
      if (index >= needed && (unseen.size === 0 || unseen.size >= most)) break;
      if (this.#seen.has(image) || unseen.has(image) || this.#recall(question) !== null) continue;
      unseen.set(image, index);
    }
    if (unseen.size === 0) return [];
    const softPrompts = [...unseen.values()].map((index) => questions[index]!.softPrompt);
    const [{ length }] = softPrompts as [Float32Array];
    const all = new Float32Array(softPrompts.length * length);
    for (const [index, softPrompt] of softPrompts.entries()) all.set(softPrompt, index * length);
    const tensor = float32Tensor(all, [softPrompts.length, this.#queries, length / this.#queries]);
    const seen = await this.#model.see(tensor, this.#common);
    for (const [index, image] of [...unseen.keys()].entries()) this.#seen.set(image, seen[index]!);
    return [...unseen.values()];
  }

  /** Lets go of all images but these. */
  keep(images: ReadonlySet<string>): void {
    for (const [image, seen] of this.#seen) {
      if (images.has(image)) continue;
      this.#seen.delete(image);
      this.#model.forget?.(seen);
    }
  }
}

/** How many tokens all of the sequences begin with; there is at least one sequence. */
export function commonLength([first = [], ...others]: readonly (readonly number[])[]): number {
  const end = first.findIndex((token, index) => others.some((tokens) => tokens[index] !== token));
  return end === -1 ? first.length : end;
}
