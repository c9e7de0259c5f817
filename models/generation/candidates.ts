/**
 * From a decoder's hidden states to the most likely next tokens. Usually the graph ranks the vocabulary itself and only
 * the best few come out; a repetition penalty needs every logit, and is applied here as the reference applies it.
 */
import { float32Tensor, floats, freeOutputs, int64Tensor, integers } from "../runtime.ts";
import type { Session } from "../runtime.ts";
import type { DecodingOptions } from "../model.ts";
import type { Candidate } from "./search.ts";

export interface LanguageHead {
  readonly session: Session;
  readonly width: number;
  readonly vocabulary: number;
}

/** hidden [rows, width] → the `count` most likely tokens of each row, best first; none where its logits are not numbers */
export async function rankNextTokens(head: LanguageHead, hidden: Float32Array, count: number): Promise<Candidate[][]> {
  const rows = hidden.length / head.width;
  const k = Math.min(count, head.vocabulary);
  const feeds = { hidden: float32Tensor(hidden, [rows, head.width]), k: int64Tensor([k], [1]) };
  const outputs = await head.session.run(feeds, ["top_log_probabilities", "top_tokens"]);
  const tokens = integers(outputs.top_tokens);
  const logProbabilities = floats(outputs.top_log_probabilities);
  return Array.from({ length: rows }, (_, row) => {
    const best = Array.from({ length: k }, (_, rank) => ({
      token: tokens[row * k + rank]!,
      logProbability: logProbabilities[row * k + rank]!,
    }));
    return best.some(({ logProbability }) => Number.isNaN(logProbability)) ? [] : best;
  });
}

/**
 * The most likely next tokens with a repetition penalty on the tokens of each row's text so far. Greedy search penalises logits, beam search
 * log-probabilities, and neither is normalised again (RepetitionPenaltyLogitsProcessor, logits_process.py:409).
 */
export async function rankWithPenalty(
  head: LanguageHead,
  hidden: Float32Array,
  count: number,
  texts: readonly (readonly number[])[],
  { beams, repetitionPenalty }: DecodingOptions,
): Promise<Candidate[][]> {
  const feeds = { hidden: float32Tensor(hidden, [texts.length, head.width]), k: int64Tensor([1], [1]) };
  const { logits } = await head.session.run(feeds, ["logits"]);
  return texts.map((text, row) => {
    const own = floats(logits).subarray(row * head.vocabulary, (row + 1) * head.vocabulary);
    if (own.some(Number.isNaN)) return [];
    const scores = beams === 1 ? Float32Array.from(own) : logSoftmax(own);
    for (const token of new Set(text)) {
      const score = scores[token]!;
      scores[token] = score < 0 ? score * repetitionPenalty : score / repetitionPenalty;
    }
    return highest(scores, count);
  });
}

/** hidden [rows, width] → the log-probability of every token, for each row */
export async function nextTokenLogProbabilities(
  head: LanguageHead,
  hidden: Float32Array,
): Promise<readonly Float32Array[]> {
  const rows = hidden.length / head.width;
  const feeds = { hidden: float32Tensor(hidden, [rows, head.width]), k: int64Tensor([1], [1]) };
  const { logits } = await head.session.run(feeds, ["logits"]);
  const own = (row: number): Float32Array =>
    floats(logits).subarray(row * head.vocabulary, (row + 1) * head.vocabulary);
  return Array.from({ length: rows }, (_, row) => logSoftmax(own(row)));
}

/** Rows whose logits come out at a time: with a vocabulary of 50,000 they take 13 MB. */
const rowsAtOnce = 64;

/**
 * hidden [rows, width] → of each row the log-probabilities of its `tokens` as next tokens, in their order; not-a-number where
 * the row's logits are none.
 */
export async function logProbabilitiesOf(
  head: LanguageHead,
  hidden: Float32Array,
  tokens: readonly (readonly number[])[],
): Promise<readonly (readonly number[])[]> {
  const found: (readonly number[])[] = [];
  for (let first = 0; first < tokens.length; first += rowsAtOnce) {
    const group = tokens.slice(first, first + rowsAtOnce);
    const rows = hidden.subarray(first * head.width, (first + group.length) * head.width);
    const feeds = { hidden: float32Tensor(rows, [group.length, head.width]), k: int64Tensor([1], [1]) };
    const { logits } = await head.session.run(feeds, ["logits"]);
    for (const [row, wanted] of group.entries()) {
      const own = floats(logits).subarray(row * head.vocabulary, (row + 1) * head.vocabulary);
      const logProbability = normaliser(own);
      found.push(wanted.map((token) => logProbability(own[token]!)));
    }
    freeOutputs([logits]);
  }
  return found;
}

/** x - log Σ exp x */
export function logSoftmax(logits: Float32Array): Float32Array {
  return logits.map(normaliser(logits));
}

/** From one of these logits to its log-probability among them. */
function normaliser(logits: Float32Array): (logit: number) => number {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const logSum = Math.log(logits.reduce((total, logit) => total + Math.exp(logit - most), 0));
  return (logit) => logit - most - logSum;
}

/** The `count` highest scores in falling order; of equals the lower token first. */
export function highest(scores: Float32Array, count: number): Candidate[] {
  if (count >= scores.length) {
    const all = Array.from(scores, (logProbability, token) => ({ token, logProbability }));
    return all.sort((a, b) => b.logProbability - a.logProbability);
  }
  const best: Candidate[] = [];
  for (const [token, logProbability] of scores.entries()) {
    if (best.length === count && logProbability <= best[count - 1]!.logProbability) continue;
    let [place, end] = [0, best.length]; // the first of a lower score is looked for by halves
    while (place < end) {
      const middle = (place + end) >> 1;
      if (best[middle]!.logProbability < logProbability) end = middle;
      else place = middle + 1;
    }
    best.splice(place, 0, { token, logProbability });
    if (best.length > count) best.pop();
  }
  return best;
}
