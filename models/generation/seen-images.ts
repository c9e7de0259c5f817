/**
 * What the language model keeps of images (for OPT the keys and values of queries and common words: megabytes), for as long
 * as questions about them are to come.
 */
import { float32Tensor } from "../runtime.ts";
import type { LanguageModel } from "./language-model.ts";

export class SeenImages<Seen> {
  readonly #model: LanguageModel<Seen>;
  readonly #queries: number;
  readonly #seen = new Map<string, Seen>();
  #common: readonly number[] = [];

  constructor(model: LanguageModel<Seen>, { queries }: { readonly queries: number }) {
    this.#model = model;
    this.#queries = queries;
  }

  /** Prompts to come all begin with `common`; what was kept for others is of no use. */
  open(common: readonly number[]): void {
    if (common.join() !== this.#common.join()) this.#seen.clear();
    this.#common = common;
  }

  has(image: string): boolean {
    return this.#seen.has(image);
  }

  /** Of each question's image; the new ones are shown to the model together. */
  async of(questions: readonly { readonly image: string; readonly softPrompt: Float32Array }[]): Promise<Seen[]> {
    const unseen = new Map(
      questions.filter(({ image }) => !this.#seen.has(image)).map(({ image, softPrompt }) => [image, softPrompt]),
    );
    if (unseen.size > 0) {
      const [{ length }] = [...unseen.values()] as [Float32Array];
      const softPrompts = new Float32Array(unseen.size * length);
      for (const [index, softPrompt] of [...unseen.values()].entries()) softPrompts.set(softPrompt, index * length);
      const shape = [unseen.size, this.#queries, length / this.#queries];
      const seen = await this.#model.see(float32Tensor(softPrompts, shape), this.#common);
      for (const [index, image] of [...unseen.keys()].entries()) this.#seen.set(image, seen[index]!);
    }
    return questions.map(({ image }) => this.#seen.get(image)!);
  }

  /** Lets go of all images but these. */
  keep(images: ReadonlySet<string>): void {
    for (const image of this.#seen.keys()) {
      if (!images.has(image)) this.#seen.delete(image);
    }
  }
}
