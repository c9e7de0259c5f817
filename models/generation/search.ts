/**
 * Which tokens to go on with: the rules of transformers 5.12.1's `generate`, for one sequence, apart from the model. A
 * search is told, for each of its open beams, the most likely next tokens; it answers which beams go on with which token.
 *
 * Scores are single-precision sums, as in the reference, so that a near tie falls on the same side.
 */
import type { DecodingOptions } from "../model.ts";
import { Heap } from "./heap.ts";

/** A next token and its log-probability, in falling order of the latter within a beam. */
export interface Candidate {
  readonly token: number;
  readonly logProbability: number;
}

/** Beam `parent` of the last round goes on with `token`. */
export interface Continuation {
  readonly parent: number;
  readonly token: number;
}

export interface Hypothesis {
  readonly tokens: readonly number[];
  /** null for greedy search, which keeps none. */
  readonly score: number | null;
  /** Of each token, as the model has them, where they are kept (token-trace.ts). */
  readonly logProbabilities?: readonly number[];
}

export interface Search {
  /** The open beams' tokens so far, best beam first; one empty beam at the start. */
  readonly beams: readonly (readonly number[])[];
  readonly done: boolean;
  /** How many candidates of each beam `advance` needs to see. */
  readonly candidatesNeeded: number;
  /** One list of candidates for each open beam. */
  advance(candidates: readonly (readonly Candidate[])[]): readonly Continuation[];
  /** Best first: those there are so far, all of them once done. */
  hypotheses(): readonly Hypothesis[];
}

export interface Stopping {
  readonly endTokens: readonly number[];
}

export function startSearch(options: DecodingOptions, stopping: Stopping): Search {
  return options.beams === 1 ? new GreedySearch(options, stopping) : new BeamSearch(options, stopping);
}

/** Always the most likely token; ends with an end token or at the longest length (`_sample`, utils.py:2699). */
class GreedySearch implements Search {
  readonly #options: DecodingOptions;
  readonly #endTokens: readonly number[];
  readonly candidatesNeeded: number;
  #tokens: number[] = [];
  #done = false;

  constructor(options: DecodingOptions, { endTokens }: Stopping) {
    this.#options = options;
    this.#endTokens = endTokens;
    this.candidatesNeeded = 1 + endTokens.length;
  }

  get beams(): readonly (readonly number[])[] {
    return [this.#tokens];
  }

  get done(): boolean {
    return this.#done;
  }

  advance([candidates = []]: readonly (readonly Candidate[])[]): readonly Continuation[] {
    const tooShort = this.#tokens.length < this.#options.newTokens.min;
    const best = candidates.find(({ token }) => !(tooShort && this.#endTokens.includes(token)));
    if (best === undefined) throw new Error("greedy search was given no candidate it may use");
    this.#tokens = [...this.#tokens, best.token];
    this.#done = this.#endTokens.includes(best.token) || this.#tokens.length >= this.#options.newTokens.max;
    return [{ parent: 0, token: best.token }];
  }

  hypotheses(): readonly Hypothesis[] {
    return [{ tokens: this.#tokens, score: null }];
  }
}

/** What the reference gives a place that holds no finished sequence, and adds to a score that is out (utils.py:3124). */
const OUT = -1e9;

interface Beam {
  readonly tokens: readonly number[];
  readonly score: number;
}

/** A continuation and the score of the beam that it makes. */
interface Ranked extends Continuation {
  readonly score: number;
}

/**
 * The `count` highest scores of all lists, each of which falls: only their heads are compared, in a heap, for there are
 * beams × candidates of them and few are wanted. Of equal scores the earlier list's come first.
 */
function bestOfAll(lists: readonly (readonly Candidate[])[], beams: readonly Beam[], count: number): readonly Ranked[] {
  const next = lists.map(() => 0);
  const head = (parent: number): Ranked | null => {
    const candidate = lists[parent]![next[parent]!];
    if (candidate === undefined) return null;
    const { token, logProbability } = candidate;
    return { parent, token, score: Math.fround(beams[parent]!.score + logProbability) };
  };
  const heads = new Heap<Ranked>((a, b) => a.score > b.score || (a.score === b.score && a.parent < b.parent));
  for (const parent of lists.keys()) {
    const first = head(parent);
    if (first !== null) heads.add(first);
  }
  const best: Ranked[] = [];
  while (best.length < count) {
    const first = heads.first;
    if (first === null) break;
    best.push(first);
    next[first.parent]! += 1;
    heads.replaceFirst(head(first.parent));
  }
  return best;
}

/**
 * Beam search (`_beam_search`, utils.py:3124). Of all continuations the best (1 + end tokens) × beams are looked at; one
 * that ends is finished only if it is among the first `beams`; the best `beams` that do not end go on.
 */
class BeamSearch implements Search {
  readonly #options: DecodingOptions;
  readonly #endTokens: readonly number[];
  readonly #kept: number;
  readonly candidatesNeeded: number;
  #open: readonly Beam[] = [{ tokens: [], score: 0 }];
  /** The best finished, best first, at most `beams`. */
  #finished: readonly Beam[] = [];
  #done = false;

  constructor(options: DecodingOptions, { endTokens }: Stopping) {
    this.#options = options;
    this.#endTokens = endTokens;
    this.#kept = Math.max(2, 1 + endTokens.length) * options.beams;
    this.candidatesNeeded = this.#kept + endTokens.length; // more, because end tokens may be forbidden
  }

  get beams(): readonly (readonly number[])[] {
    return this.#open.map(({ tokens }) => tokens);
  }

  get done(): boolean {
    return this.#done;
  }

  advance(candidates: readonly (readonly Candidate[])[]): readonly Continuation[] {
    const { beams, newTokens } = this.#options;
    const length = this.#open[0]!.tokens.length + 1;
    const ranked = this.#rank(candidates).map(({ parent, token, score }) => ({
      parent,
      token,
      score,
      tokens: [...this.#open[parent]!.tokens, token],
      ends: this.#endTokens.includes(token) || length >= newTokens.max,
    }));

    this.#finish(
      ranked.slice(0, beams).filter(({ ends }) => ends),
      length,
    );
    const goingOn = ranked.filter(({ ends }) => !ends).slice(0, beams);
    this.#done = goingOn.length === 0 || !this.#mayImprove(goingOn[0]!.score, length);
    this.#open = goingOn.map(({ tokens, score }) => ({ tokens, score }));
    return goingOn.map(({ parent, token }) => ({ parent, token }));
  }

  hypotheses(): readonly Hypothesis[] {
    return this.#finished;
  }

  /** The best continuations of all open beams together; of equals those of the better beam first. */
  #rank(candidates: readonly (readonly Candidate[])[]): readonly Ranked[] {
    const tooShort = this.#open[0]!.tokens.length < this.#options.newTokens.min;
    const lists = candidates.map((ofBeam) =>
      tooShort ? ofBeam.filter(({ token }) => !this.#endTokens.includes(token)) : ofBeam,
    );
    return bestOfAll(lists, this.#open, this.#kept);
  }

  #finish(ended: readonly Beam[], length: number): void {
    const { beams, lengthPenalty } = this.#options;
    const scored = ended.map(({ tokens, score }) => ({ tokens, score: Math.fround(score / length ** lengthPenalty) }));
    this.#finished = [...this.#finished, ...scored].sort((a, b) => b.score - a.score).slice(0, beams);
  }

  /** Whether an open beam could still beat the worst finished one (`_check_early_stop_heuristic`, utils.py:2924). */
  #mayImprove(bestOpen: number, length: number): boolean {
    const { beams, earlyStopping, lengthPenalty, newTokens } = this.#options;
    if (this.#finished.length < beams) return true;
    if (earlyStopping === true) return false;
    const hoped = earlyStopping === "never" && lengthPenalty > 0 ? newTokens.max : length;
    return bestOpen / hoped ** lengthPenalty > (this.#finished.at(-1)?.score ?? OUT);
  }
}
