/**
 * The generation loop: rank the next tokens, let each sequence's search choose, run the chosen ones, until every search
 * is done. A finished sequence leaves the batch at once.
 */
import type { DecodingOptions, GenerationOptions } from "../model.ts";
import { rankNextTokens, rankWithPenalty } from "./candidates.ts";
import type { LanguageHead } from "./candidates.ts";
import type { DecodingBatch } from "./decoding-batch.ts";
import { startSearch } from "./search.ts";
import type { Candidate, Continuation, Hypothesis, Search } from "./search.ts";

export interface GenerationStart {
  readonly batch: DecodingBatch;
  /** The hidden state behind each prompt: [sequences, width] */
  readonly hidden: Float32Array;
  /** The tokens before the first new one that a repetition penalty counts, for each sequence. */
  readonly texts: readonly (readonly number[])[];
}

/** The hypotheses of each sequence, best first. */
export async function generate(
  head: LanguageHead,
  start: GenerationStart,
  options: GenerationOptions,
  endTokens: readonly number[],
): Promise<readonly (readonly Hypothesis[])[]> {
  const searches = start.texts.map(() => startSearch(options, { endTokens }));
  const open = searches.map((search, index) => ({ search, text: start.texts[index]! }));
  let hidden = start.hidden;
  while (open.length > 0) {
    const candidates = await rank(head, hidden, open, options);
    const continuations = advance(open, candidates);
    options.onStep?.();
    for (let index = open.length - 1; index >= 0; index -= 1) {
      if (!open[index]!.search.done) continue;
      start.batch.remove(index);
      removeAt(open, index);
      removeAt(continuations, index);
    }
    if (open.length > 0) hidden = await start.batch.step(continuations);
  }
  return searches.map((search) => search.hypotheses());
}

interface OpenSequence {
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

/** As DecodingBatch.remove: the last one takes the place. */
function removeAt(list: unknown[], index: number): void {
  const last = list.pop();
  if (index < list.length) list[index] = last;
}
