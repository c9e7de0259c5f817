/** How a run came to its answer to one sample, and to its scores: what `show` prints and what the page of a report opens. */
import type { RankedCandidates } from "../records/run-record.ts";

export interface SampleDetails {
  /** `missing`: it was not asked yet. */
  readonly status: "predicted" | "failed" | "matched" | "imported" | "missing";
  /** The generated text as it came; of a failed sample the error; null: there is none. */
  readonly text: string | null;
  /** null: the model was given the image without text, or no prompt is recorded. */
  readonly prompt: string | null;
  /** The answer as it is scored; null: there is none. */
  readonly answer: string | null;
  /** Log-probability of the text, penalties applied; null: not known. */
  readonly modelScore: number | null;
  /** Unset: the answer was not chosen by likelihood. */
  readonly candidates?: RankedCandidates;
  /** Number of texts that the image was matched with; unset: it was not. */
  readonly matchedTexts?: number;
  readonly tokens: ShownTokens | null;
  /** The scores that are not worked out, by metric. */
  readonly scores: Readonly<Record<string, number>>;
  readonly workings: readonly NamedWorking[];
  /** Milliseconds by stage; empty: not recorded. */
  readonly latencyMs: Readonly<Record<string, number>>;
}

export interface ShownToken {
  readonly id: number;
  /** null: the tokenizer is not there. */
  readonly text: string | null;
}

export interface ShownTokens {
  /** What the model read after the image; null: not known. */
  readonly prompt: readonly ShownToken[] | null;
  readonly answer: readonly ShownToken[];
  /** The likeliest first tokens of the answer; null: the run did not keep them (--first-steps). */
  readonly firstStep: readonly (ShownToken & { readonly probability: number })[] | null;
}

/** A score worked out by its metric: what is looked at, and what comes of it, in the order in which it is computed. */
export interface NamedWorking {
  /** The metric, or what is ranked. */
  readonly name: string;
  /** null: the sample has no score of its own. */
  readonly score: number | null;
  readonly steps: readonly { readonly what: string; readonly result: string }[];
}
