/**
 * Sampling: the next token is drawn, not chosen. As transformers 5.12.1 does it (`_sample`, utils.py:2699): temperature,
 * then top-k, then top-p, in that order (`_get_logits_processor`), and a draw from what is left. A seed decides the draws,
 * by a generator of our own: the reference's text for the same seed is another one.
 */
import type { DecodingOptions, Sampling } from "../model.ts";
import type { Candidate, Continuation, Hypothesis, Search, Stopping } from "./search.ts";

/** Each call gives the next number from 0 on and below 1. mulberry32: 32 bits of state, evenly spread. */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Candidates in falling order → what may be drawn, with probabilities that add up to 1. */
export function distribution(
  candidates: readonly Candidate[],
  { temperature, topK, topP }: Pick<Sampling, "temperature" | "topK" | "topP">,
): readonly { readonly token: number; readonly probability: number }[] {
  const [best] = candidates;
  if (best === undefined) throw new Error("sampling was given no candidate it may use");
  const left = topK === null ? candidates : candidates.slice(0, topK);
  const weights = left.map(({ logProbability }) => Math.exp((logProbability - best.logProbability) / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  const shares = weights.map((weight) => weight / sum);
  // The fewest that reach topP together: one is kept while those before it fall short (TopPLogitsWarper).
  let before = 0;
  const end = shares.findIndex((share) => {
    const isReached = before >= topP;
    before += share;
    return isReached;
  });
  const kept = shares.slice(0, end === -1 || topP >= 1 ? shares.length : Math.max(1, end));
  const whole = kept.reduce((a, b) => a + b, 0);
  return kept.map((share, index) => ({ token: left[index]!.token, probability: share / whole }));
}

/** `share`: from 0 on and below 1. */
export function draw(
  choices: readonly { readonly token: number; readonly probability: number }[],
  share: number,
): number {
  let sum = 0;
  const found = choices.find(({ probability }) => {
    sum += probability;
    return share < sum;
  });
  const last = choices.at(-1);
  if (last === undefined) throw new Error("there is nothing to draw from");
  return (found ?? last).token; // rounding may leave the sum below 1
}

/** One text. Its draws are its own, whatever else is in its batch. */
export class SampleSearch implements Search {
  readonly #options: DecodingOptions;
  readonly #sampling: Sampling;
  readonly #endTokens: readonly number[];
  readonly #next: () => number;
  readonly candidatesNeeded: number;
  #tokens: number[] = [];
  #done = false;

  constructor(options: DecodingOptions, sampling: Sampling, { endTokens }: Stopping) {
    this.#options = options;
    this.#sampling = sampling;
    this.#endTokens = endTokens;
    this.#next = seededNumbers(sampling.seed);
    // Without top-k the whole vocabulary: its end is cut where the candidates are ranked.
    this.candidatesNeeded = sampling.topK === null ? Number.MAX_SAFE_INTEGER : sampling.topK + endTokens.length;
  }

  get beams(): readonly (readonly number[])[] {
    return [this.#tokens];
  }

  get done(): boolean {
    return this.#done;
  }

  advance([candidates = []]: readonly (readonly Candidate[])[]): readonly Continuation[] {
    const tooShort = this.#tokens.length < this.#options.newTokens.min;
    const allowed = candidates.filter(({ token }) => !(tooShort && this.#endTokens.includes(token)));
    const token = draw(distribution(allowed, this.#sampling), this.#next());
    this.#tokens = [...this.#tokens, token];
    this.#done = this.#endTokens.includes(token) || this.#tokens.length >= this.#options.newTokens.max;
    return [{ parent: 0, token }];
  }

  hypotheses(): readonly Hypothesis[] {
    return [{ tokens: this.#tokens, score: null }];
  }
}
