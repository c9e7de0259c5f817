/**
 * What the language model keeps of images (for OPT the keys and values of queries and common words: megabytes), for as long
 * as questions about them are to come.
 */
import { float32Tensor } from "../runtime.ts";
import type { LanguageModel } from "./language-model.ts";

interface ImageQuestion {
  /** The same image has the same key. */
  readonly image: string;
  /** [queries, width] */
  readonly softPrompt: Float32Array;
}

export class SeenImages<Seen> {
  readonly #model: Pick<LanguageModel<Seen>, "see" | "forget">;
  readonly #queries: number;
  readonly #seen = new Map<string, Seen>();
  #common: readonly number[] = [];

  constructor(model: Pick<LanguageModel<Seen>, "see" | "forget">, { queries }: { readonly queries: number }) {
    this.#model = model;
    this.#queries = queries;
  }

  /** Prompts to come all begin with `common`; what was kept for others is of no use. */
  open(common: readonly number[]): void {
    if (common.join() !== this.#common.join()) this.keep(new Set());
    this.#common = common;
  }

  /** Of a question's image, which was shown before. */
  of({ image }: ImageQuestion): Seen {
    return this.#seen.get(image)!;
  }

  /**
   * Shows the model the images of the first `needed` questions, those together that it has not seen; and then, so that this
   * is worth its while, images of the next questions, `most` at a time. Gives the first question of each new image.
   */
  async show(
    questions: readonly ImageQuestion[],
    { needed, most }: { readonly needed: number; readonly most: number },
  ): Promise<readonly number[]> {
    const unseen = new Map<string, number>();
    for (const [index, { image }] of questions.entries()) {
      if (index >= needed && (unseen.size === 0 || unseen.size >= most)) break;
      if (!this.#seen.has(image) && !unseen.has(image)) unseen.set(image, index);
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
