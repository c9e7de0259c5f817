/**
 * The generation loop: rank the next tokens, let each sequence's search choose, run the chosen ones, until every search
 * is done. A finished sequence leaves the batch at once, and one that waited may take its place.
 */
import { setImmediate } from "node:timers/promises";
import type { DecodingOptions, GenerationOptions } from "../model.ts";
import { nextTokenLogProbabilities, rankNextTokens, rankWithPenalty } from "./candidates.ts";
import type { LanguageHead } from "./candidates.ts";
import type { DecodingBatch } from "./decoding-batch.ts";
import { SampleSearch } from "./sampling.ts";
import { startSearch } from "./search.ts";
import type { Candidate, Continuation, Hypothesis, Search } from "./search.ts";
import { settledTokens, TokenTrace } from "./token-trace.ts";

/** Sequences whose prompts have run. */
export interface Begun {
  /** The hidden state behind each prompt: [sequences, width] */
  readonly hidden: Float32Array;
  /** The tokens before the first new one that a repetition penalty counts, for each sequence. */
  readonly texts: readonly (readonly number[])[];
}

export interface GenerationStart extends Begun {
  readonly batch: DecodingBatch;
}

/** Who watches a batch, and has more sequences for it. Sequences are numbered as they began. */
export interface Attendance {
  /** Asked after every step: sequences that join the `open` ones, now at the end of the batch, or null. */
  readonly join: (open: number) => Promise<Begun | null>;
  readonly onTime: (milliseconds: number, sequences: readonly number[]) => void;
  /** Called after every step with the tokens that an open sequence begins with in any case. Unset: not wanted. */
  readonly onSettled?: (sequence: number, tokens: readonly number[]) => void;
  readonly onDone: (sequence: number, hypotheses: readonly Hypothesis[]) => void;
}

const nobody: Attendance = {
  join: () => Promise.resolve(null),
  onTime: () => undefined,
  onDone: () => undefined,
};

/** The hypotheses of each sequence, best first; none where the model's logits are not numbers. */
export async function generate(
  head: LanguageHead,
  start: GenerationStart,
  options: GenerationOptions,
  endTokens: readonly number[],
  { join, onTime, onSettled, onDone }: Attendance = nobody,
): Promise<readonly (readonly Hypothesis[])[]> {
  const answers: (readonly Hypothesis[])[] = [];
  const open: OpenSequence[] = [];
  let begun = 0;
  const admit = ({ texts }: Begun): void => {
    for (const text of texts) {
      const search =
        options.sampling === undefined
          ? startSearch(options, { endTokens })
          : new SampleSearch(options, options.sampling, { endTokens });
      open.push({
        number: begun++,
        search,
        text,
        trace: options.tokenProbabilities === true ? new TokenTrace() : null,
      });
    }
  };
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const from = performance.now();
    const value = await work();
    onTime(
      performance.now() - from,
      open.map(({ number }) => number),
    );
    return value;
  };

  admit(start);
  let { hidden } = start;
  const isWatched = onSettled !== undefined || options.signal !== undefined;
  while (open.length > 0) {
    if (isWatched) await giveWay(options.signal);
    const continuations = await timed(async () => {
      const candidates = await rank(head, hidden, open, options);
      const isPenalised = options.repetitionPenalty !== 1 && options.tokenProbabilities === true;
      return advance(open, candidates, isPenalised ? await nextTokenLogProbabilities(head, hidden) : null);
    });
    options.onStep?.();
    for (let index = open.length - 1; index >= 0; index -= 1) {
      const { search, number } = open[index]!;
      const isLost = continuations[index] === null;
      if (!search.done && !isLost) {
        onSettled?.(number, settledTokens(search));
        continue;
      }
      answers[number] = isLost ? [] : hypothesesOf(open[index]!);
      onDone(number, answers[number]);
      if (isLost) start.batch.discard(index);
      else start.batch.remove(index);
      removeAt(open, index);
      removeAt(continuations, index);
    }
    const chosen = continuations.filter((each) => each !== null);
    hidden = open.length === 0 ? new Float32Array(0) : await timed(() => start.batch.step(chosen));
    const more = await join(open.length);
    if (more === null) continue;
    admit(more);
    hidden = joined(hidden, more.hidden);
  }
  return answers;
}

interface OpenSequence {
  readonly number: number;
  readonly search: Search;
  readonly text: readonly number[];
  /** null: how likely its tokens were is not wanted. */
  readonly trace: TokenTrace | null;
}

/** Gives the event loop a turn, in which generation may be cancelled: then throws the signal's reason. */
export async function giveWay(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}

/** Candidates of every open beam, sequence after sequence. */
async function rank(
  head: LanguageHead,
  hidden: Float32Array,
  open: readonly OpenSequence[],
  options: DecodingOptions,
): Promise<Candidate[][]> {
  const count = open[0]!.search.candidatesNeeded;
  if (options.repetitionPenalty === 1) return rankNextTokens(head, hidden, count);
  const texts = open.flatMap(({ search, text }) => search.beams.map((tokens) => [...text, ...tokens]));
  return rankWithPenalty(head, hidden, count, texts, options);
}

/** `plain`: all log-probabilities of every open beam's next token, where candidates have others. null: it cannot go on. */
function advance(
  open: readonly OpenSequence[],
  candidates: readonly Candidate[][],
  plain: readonly Float32Array[] | null,
): (readonly Continuation[] | null)[] {
  let next = 0;
  return open.map(({ search, trace }) => {
    const first = next;
    const before = search.beams;
    const own = candidates.slice(first, first + before.length);
    next += before.length;
    if (own.some((each) => each.length === 0)) return null;
    const continuations = search.advance(own);
    trace?.follow(
      search,
      before,
      (beam, token) =>
        plain?.[first + beam]?.[token] ?? own[beam]!.find((each) => each.token === token)!.logProbability,
    );
    return continuations;
  });
}

function hypothesesOf({ search, trace }: OpenSequence): readonly Hypothesis[] {
  if (trace === null) return search.hypotheses();
  return search.hypotheses().map((hypothesis) => ({ ...hypothesis, logProbabilities: trace.of(hypothesis.tokens) }));
}

function joined(first: Float32Array, second: Float32Array): Float32Array {
  if (first.length === 0) return second;
  const all = new Float32Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

/** As DecodingBatch.remove: the last one takes the place. */
function removeAt(list: unknown[], index: number): void {
  const last = list.pop();
  if (index < list.length) list[index] = last;
}
