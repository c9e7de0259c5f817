/**
 * The captions of a run, prepared once for all metrics: tokens, numbered n-grams, and the counts of BLEU.
 */
import { DatasetError } from "../../../datasets/dataset.ts";
import type { Hypothesis } from "../../task.ts";
import { bleuCounts } from "./bleu.ts";
import type { BleuCounts } from "./bleu.ts";
import { captionWords, tokenizeCaptions } from "./caption-tokens.ts";
import { documentFrequencies } from "./cider.ts";
import type { DocumentFrequencies } from "./cider.ts";
import { referenceTexts } from "../hypotheses.ts";
import type { ReferencedSample } from "../hypotheses.ts";
import type { NgramCounts } from "./ngrams.ts";
import { NgramNumbers } from "./ngrams.ts";

export type Hypotheses = readonly Hypothesis<ReferencedSample>[];

/** The prepared captions; arrays are in the order of the hypotheses unless noted. */
export interface CaptionRun {
  readonly hypothesisTokens: readonly (readonly string[])[];
  readonly referenceTokens: readonly (readonly (readonly string[])[])[];
  readonly hypothesisNgrams: readonly NgramCounts[];
  readonly referenceNgrams: readonly (readonly NgramCounts[])[];
  /** The references of every image of the split that has some. */
  readonly documents: readonly (readonly NgramCounts[])[];
  /** How many of those images have each n-gram, for CIDEr. */
  readonly frequencies: DocumentFrequencies;
  readonly bleuCounts: readonly BleuCounts[];
}

/**
 * Prepared captions by hypotheses and split, since every metric of a task is called with these two objects. Entries go
 * when the objects are garbage-collected.
 */
const captionRuns = new WeakMap<Hypotheses, WeakMap<readonly ReferencedSample[], CaptionRun>>();

/**
 * The prepared captions; null where there are no hypotheses, or none has references.
 *
 * @throws DatasetError where only some have references.
 */
export function captionRun(hypotheses: Hypotheses, split: readonly ReferencedSample[]): CaptionRun | null {
  if (!haveReferences(hypotheses)) return null;
  let runs = captionRuns.get(hypotheses);
  if (runs === undefined) captionRuns.set(hypotheses, (runs = new WeakMap()));
  let run = runs.get(split);
  if (run === undefined) runs.set(split, (run = countCaptions(hypotheses, split)));
  return run;
}

/** All references in one run of the tokenizer and all hypotheses in another, as the official code does. */
function countCaptions(hypotheses: Hypotheses, split: readonly ReferencedSample[]): CaptionRun {
  const ngrams = new NgramNumbers();
  const count = (tokens: readonly string[]) => ngrams.count(captionWords(tokens));
  const allTokens = tokenizeCaptions(split.flatMap(referenceTexts));
  const images = new Map<string, { tokens: readonly (readonly string[])[]; ngrams: readonly NgramCounts[] }>();
  let end = 0;
  for (const { id, references } of split) {
    const tokens = allTokens.slice(end, (end += references.length));
    images.set(id, { tokens, ngrams: tokens.map(count) });
  }
  const scored = hypotheses.map(({ sample }) => {
    const image = images.get(sample.id);
    if (image === undefined) throw new RangeError(`caption ${sample.id} is scored but not in the split`);
    return image;
  });
  const hypothesisTokens = tokenizeCaptions(hypotheses.map(({ answer }) => answer));
  const hypothesisNgrams = hypothesisTokens.map(count);
  const referenceNgrams = scored.map((image) => image.ngrams);
  const documents = [...images.values()].map((image) => image.ngrams).filter((captions) => captions.length > 0);
  return {
    hypothesisTokens,
    referenceTokens: scored.map(({ tokens }) => tokens),
    hypothesisNgrams,
    referenceNgrams,
    bleuCounts: hypothesisNgrams.map((counts, index) => bleuCounts(counts, referenceNgrams[index] ?? [])),
    documents,
    frequencies: documentFrequencies(documents, ngrams.size),
  };
}

function haveReferences(hypotheses: Hypotheses): boolean {
  const scored = hypotheses.find(({ sample }) => sample.references.length > 0);
  if (scored === undefined) return false;
  const unscored = hypotheses.find(({ sample }) => sample.references.length === 0);
  if (unscored === undefined) return true;
  throw new DatasetError(
    `image ${unscored.sample.image.id} has no reference captions, image ${scored.sample.image.id} has ` +
      `${scored.sample.references.length}. Is the annotation file complete?`,
  );
}
