/**
 * One round of greedy or beam search as operators of a graph, for a batch of sequences: the rules of generation/search.ts,
 * which are transformers' (`_sample` and `_beam_search`, utils.py:2699 and 3124), on tensors.
 *
 *   batch   sequences                        open     beams that go on: 1 before the first token, then `beams`
 *   rows    batch × open                     choices  open × candidates
 *   text    tokens so far, the prompt's included where a repetition penalty counts them
 *
 * A sequence that is done stays in the batch and changes nothing more of what it has finished.
 */
import type { Carried, LoopBuilder } from "../graph/loop-builder.ts";
import type { Value } from "../graph/graph.ts";

/** The lowest float stands for "none": a forbidden token's score, a place that holds no finished text. */
export const NONE = -3.4028234663852886e38;

/** Decoding options as inputs of the graph, int64 or float32 [1] but for the tables. */
export interface SearchInputs {
  readonly beams: Value;
  /** Greedy search, which has one beam: bool */
  readonly isGreedy: Value;
  /** 0 … beams - 1: [beams] */
  readonly beamNumbers: Value;
  /** Tokens of each beam that are looked at, and of those of all beams together. */
  readonly candidates: Value;
  readonly kept: Value;
  /** New tokens. */
  readonly least: Value;
  readonly most: Value;
  readonly repetitionPenalty: Value;
  /** By length: a sum of log-probabilities is multiplied and divided by these to be a score. [most] each */
  readonly finished: ScoreFactors;
  /** The same for the best score that an open beam may hope for. */
  readonly hoped: ScoreFactors;
  /** bool */
  readonly stopsEarly: Value;
}

interface ScoreFactors {
  readonly multipliers: Value;
  readonly divisors: Value;
}

export type SearchState = "text" | "scores" | "done" | "finishedText" | "finishedScores";

export interface SearchRound {
  /** Of the open beams: [rows, vocabulary] */
  readonly logits: Value;
  /** From 0: int64 [] */
  readonly round: Value;
  readonly state: Readonly<Record<SearchState, Value>>;
  readonly inputs: SearchInputs;
  readonly endTokens: readonly number[];
}

/** Beam `parent` goes on with `token`; both int64 [batch, beams]. */
export type SearchResult = Readonly<Record<SearchState | "token" | "parent", Value>>;

/** `text`: int64 [batch, 1, text] */
export function searchStart(g: LoopBuilder, text: Value): Readonly<Record<SearchState, Carried>> {
  const carried = (initial: Value, shape: Carried["shape"]): Carried => ({ initial, shape });
  const nothing = g.expand(g.integers([0]), ["batch", "beams", "text"]);
  return {
    text: carried(text, ["batch", "open", "text"]),
    scores: carried(g.expand(g.scalar(0), ["batch", 1]), ["batch", "open"]),
    done: carried(g.cast(g.expand(g.integers([0]), ["batch", 1]), "bool"), ["batch", 1]),
    finishedText: carried(nothing, ["batch", "beams", "text"]),
    finishedScores: carried(g.expand(g.scalar(NONE), ["batch", "beams"]), ["batch", "beams"]),
  };
}

/** Both kinds of search are in one graph, so that the decoder's weights are in memory once. */
export function searchStep(g: LoopBuilder, round: SearchRound): SearchResult {
  return g.choose(
    round.inputs.isGreedy,
    (branch) => greedyStep(branch, round),
    (branch) => beamStep(branch, round),
  );
}

/**
 * Always the most likely token. What is finished is the text itself, which goes on behind its end token as long as others
 * of the batch do; its score is the sum of what the tokens were ranked by.
 */
function greedyStep(g: LoopBuilder, { logits, round, state, inputs, endTokens }: SearchRound): SearchResult {
  // Greedy search penalises logits, beam search log-probabilities (logits_process.py:409).
  const scores = penalize(g, logits, state.text, inputs.repetitionPenalty);
  const top = g.topK(scores, inputs.candidates, "candidates"); // [rows, candidates]
  const allowed = withoutEarlyEnds(g, top, { round, least: inputs.least, endTokens });
  const best = g.topK(allowed, g.integers([1]), 1); // [rows, 1], which is [batch, 1]
  const token = g.reshape(g.take(top.indices, best.indices), ["batch", 1]);

  const text = g.concat([state.text, g.reshape(token, ["batch", 1, 1])], 2, "longer");
  const sums = g.add(state.scores, g.reshape(best.values, ["batch", 1]));
  const done = g.or(state.done, isAnyOf(g, token, endTokens));
  const parent = g.multiply(token, g.integers([0]));
  return { token, parent, text, scores: sums, done, finishedText: text, finishedScores: sums };
}

function beamStep(g: LoopBuilder, { logits, round, state, inputs, endTokens }: SearchRound): SearchResult {
  const { beams, candidates, kept, most } = inputs;
  const scores = penalize(g, g.logSoftmax(logits), state.text, inputs.repetitionPenalty);
  const top = g.topK(scores, candidates, "candidates"); // [rows, candidates]
  const allowed = withoutEarlyEnds(g, top, { round, least: inputs.least, endTokens });
  const byBeam = g.reshape(allowed, ["batch", "open", "candidates"]);
  const sums = g.add(byBeam, g.reshape(state.scores, ["batch", "open", 1]));
  const ranked = g.topK(g.reshape(sums, ["batch", "choices"]), kept, "kept"); // [batch, kept]

  const token = g.take(g.reshape(top.indices, ["batch", "choices"]), ranked.indices);
  const parent = g.divide(ranked.indices, candidates);
  const text = g.concat([g.takeRows(state.text, parent), g.reshape(token, ["batch", "kept", 1])], 2, "longer");
  const isLast = g.not(g.less(g.add(round, g.integers([1])), most)); // [1]
  const ends = g.or(isAnyOf(g, token, endTokens), isLast); // [batch, kept]

  const finished = finish(g, { scores: ranked.values, text, ends }, { round, state, inputs });
  const open = g.where(ends, g.scalar(NONE), ranked.values);
  const next = g.topK(open, beams, "beams"); // [batch, beams], best first
  const improves = mayImprove(g, next.values, finished.finishedScores, { round, inputs });
  const done = g.or(state.done, g.not(improves));
  return {
    token: g.take(token, next.indices),
    parent: g.take(parent, next.indices),
    text: g.takeRows(text, next.indices),
    scores: next.values,
    done,
    ...finished,
  };
}

/** The best `beams` of what was finished and what now ends among the first `beams`, best first. */
function finish(
  g: LoopBuilder,
  ranked: { readonly scores: Value; readonly text: Value; readonly ends: Value },
  { round, state, inputs }: Pick<SearchRound, "round" | "state" | "inputs">,
): { readonly finishedText: Value; readonly finishedScores: Value } {
  const { beams } = inputs;
  const first = (value: Value): Value => g.first(value, 1, beams, "beams");
  const counts = g.and(first(ranked.ends), g.not(state.done)); // [batch, beams]
  const scores = g.where(counts, score(g, first(ranked.scores), inputs.finished, round), g.scalar(NONE));
  const all = g.concat([state.finishedScores, scores], 1, "finished");
  const best = g.topK(all, beams, "beams");

  const space = g.expand(g.integers([0]), ["batch", "beams", 1]);
  const before = g.concat([state.finishedText, space], 2, "longer");
  const texts = g.concat([before, first(ranked.text)], 1, "finished");
  return { finishedText: g.takeRows(texts, best.indices), finishedScores: best.values };
}

/** Whether an open beam could still beat the worst finished one (`_check_early_stop_heuristic`, utils.py:2924): [batch, 1] */
function mayImprove(
  g: LoopBuilder,
  open: Value,
  finished: Value,
  { round, inputs }: Pick<SearchRound, "round" | "inputs">,
): Value {
  const worst = g.slice(finished, 1, -1, Number.MAX_SAFE_INTEGER, 1); // sorted, so the last
  const isMissing = g.equal(worst, g.scalar(NONE));
  const hoped = score(g, g.slice(open, 1, 0, 1, 1), inputs.hoped, round);
  return g.or(isMissing, g.and(g.less(worst, hoped), g.not(inputs.stopsEarly)));
}

function score(g: LoopBuilder, sums: Value, { multipliers, divisors }: ScoreFactors, round: Value): Value {
  return g.divide(g.multiply(sums, g.gather(multipliers, round)), g.gather(divisors, round));
}

/** Tokens of the text so far made less likely (RepetitionPenaltyLogitsProcessor). scores [rows, vocabulary] → the same */
function penalize(g: LoopBuilder, scores: Value, text: Value, penalty: Value): Value {
  const tokens = g.reshape(text, ["rows", "text"]);
  const own = g.take(scores, tokens);
  const less = g.where(g.less(own, g.scalar(0)), g.multiply(own, penalty), g.divide(own, penalty));
  return g.replace(scores, tokens, less);
}

/** Before the least number of new tokens, end tokens are forbidden. [rows, candidates] → [rows, candidates] */
function withoutEarlyEnds(
  g: LoopBuilder,
  top: { readonly values: Value; readonly indices: Value },
  { round, least, endTokens }: { readonly round: Value; readonly least: Value; readonly endTokens: readonly number[] },
): Value {
  const isForbidden = g.and(isAnyOf(g, top.indices, endTokens), g.less(round, least));
  return g.where(isForbidden, g.scalar(NONE), top.values);
}

function isAnyOf(g: LoopBuilder, tokens: Value, all: readonly number[]): Value {
  const each = (all.length === 0 ? [-1] : all).map((token) => g.equal(tokens, g.integers([token])));
  return each.reduce((a, b) => g.or(a, b));
}
