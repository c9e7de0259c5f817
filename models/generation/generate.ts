/**
 * The generation loop: rank the next tokens, let each sequence's search choose, run the chosen ones, until every search
 * is done. A finished sequence leaves the batch at once, and one that waited may take its place.
 */
import type { DecodingOptions, GenerationOptions } from "../model.ts";
import { rankNextTokens, rankWithPenalty } from "./candidates.ts";
import type { LanguageHead } from "./candidates.ts";
import type { DecodingBatch } from "./decoding-batch.ts";
import { SampleSearch } from "./sampling.ts";
import { startSearch } from "./search.ts";
import type { Candidate, Continuation, Hypothesis, Search } from "./search.ts";

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
  readonly onDone: (sequence: number, hypotheses: readonly Hypothesis[]) => void;
}

const nobody: Attendance = {
  join: () => Promise.resolve(null),
  onTime: () => undefined,
  onDone: () => undefined,
};

/** The hypotheses of each sequence, best first. */
export async function generate(
  head: LanguageHead,
  start: GenerationStart,
  options: GenerationOptions,
  endTokens: readonly number[],
  { join, onTime, onDone }: Attendance = nobody,
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
      open.push({ number: begun++, search, text });
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
  while (open.length > 0) {
    const continuations = await timed(async () => advance(open, await rank(head, hidden, open, options)));
    options.onStep?.();
    for (let index = open.length - 1; index >= 0; index -= 1) {
      const { search, number } = open[index]!;
      if (!search.done) continue;
      answers[number] = search.hypotheses();
      onDone(number, answers[number]);
      start.batch.remove(index);
      removeAt(open, index);
      removeAt(continuations, index);
    }
    hidden = open.length === 0 ? new Float32Array(0) : await timed(() => start.batch.step(continuations));
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

function advance(open: readonly OpenSequence[], candidates: readonly Candidate[][]): (readonly Continuation[])[] {
  let first = 0;
  return open.map(({ search }) => {
    const own = candidates.slice(first, first + search.beams.length);
    first += search.beams.length;
    return search.advance(own);
  });
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
