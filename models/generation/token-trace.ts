/**
 * How likely each token of a search was. A search keeps sums only, and scores that a penalty has changed; this watches it
 * from outside, where somebody wants to see more, and costs nothing elsewhere.
 */
import { commonLength } from "./seen-images.ts";
import type { Search } from "./search.ts";

export class TokenTrace {
  /** Log-probabilities of the tokens of every beam there was; a beam is known by its tokens. */
  readonly #known = new Map<string, readonly number[]>([["", []]]);

  /** After a step. `before`: the beams it went on from; `logProbabilityOf` is asked for one of those and a next token. */
  follow(
    search: Pick<Search, "beams" | "hypotheses">,
    before: readonly (readonly number[])[],
    logProbabilityOf: (beam: number, token: number) => number,
  ): void {
    const parents = new Map(before.map((tokens, beam) => [tokens.join(), beam]));
    const length = (before[0]?.length ?? 0) + 1;
    for (const tokens of [...search.beams, ...search.hypotheses().map((hypothesis) => hypothesis.tokens)]) {
      if (tokens.length !== length) continue;
      const parent = tokens.slice(0, -1).join();
      const beam = parents.get(parent);
      const earlier = this.#known.get(parent);
      if (beam === undefined || earlier === undefined) throw new Error("a beam goes on from none that was there");
      this.#known.set(tokens.join(), [...earlier, logProbabilityOf(beam, tokens.at(-1)!)]);
    }
  }

  /** Of a beam's or a hypothesis' tokens. */
  of(tokens: readonly number[]): readonly number[] {
    const known = this.#known.get(tokens.join());
    if (known === undefined) throw new Error("these tokens are no beam's");
    return known;
  }
}

/**
 * The tokens that will not change any more: those that all open beams and the best finished hypothesis begin with. The text
 * that wins in the end is that hypothesis, or goes on from one of the beams.
 */
export function settledTokens(search: Pick<Search, "beams" | "hypotheses">): readonly number[] {
  const texts = [
    ...search.beams,
    ...search
      .hypotheses()
      .slice(0, 1)
      .map(({ tokens }) => tokens),
  ];
  return texts[0]!.slice(0, commonLength(texts));
}
