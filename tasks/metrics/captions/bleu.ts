/**
 * BLEU-1 to BLEU-4: how much of the hypotheses is found in their references, over the whole corpus. Papineni et al. 2002,
 * "BLEU: a Method for Automatic Evaluation of Machine Translation"; as salaniz/pycocoevalcap (ad63453) computes it,
 * bleu/bleu_scorer.py with option "closest". A fraction, higher is better.
 *
 *   correct   n-grams of the hypothesis, each at most as often as the reference that has it most often
 *   BLEU-n    (product over k = 1..n of correct / all k-grams) ^ (1 / n), times exp(1 - references / hypotheses) where the
 *             hypotheses are shorter than their references, the reference of the closest length standing for an image's
 *
 * Edge cases: where no k-gram is right, tiny numbers replace 0 (compute_score), so the score is tiny and not 0; a
 * corpus of empty hypotheses scores 0, since its length factor is exp of a large negative number.
 */
import type { NgramCounts } from "./ngrams.ts";
import { forEachShared, longestNgram } from "./ngrams.ts";

const tiny = 1e-15; // bleu_scorer.py, compute_score
const small = 1e-9; // also compute_score: avoids a division by 0

/** The counts that BLEU is computed from; those of a corpus are the sums over its images. */
export interface BleuCounts {
  /** For n = 1..4, the n-grams that are in a reference. */
  readonly correct: readonly number[];
  /** For n = 1..4, all n-grams of the hypothesis. */
  readonly guesses: readonly number[];
  /** Length of the hypothesis in words. */
  readonly hypothesisLength: number;
  readonly referenceLength: number;
}

/** @throws RangeError for an image without references. */
export function bleuCounts(hypothesis: NgramCounts, references: readonly NgramCounts[]): BleuCounts {
  if (references.length === 0) throw new RangeError("BLEU: an image has no references; leave it out");
  const most = hypothesis.counts.map(() => 0); // for each n-gram, its highest count in one reference
  for (const reference of references) {
    forEachShared(hypothesis, reference, (index, other) => {
      most[index] = Math.max(most[index] ?? 0, reference.counts[other] ?? 0);
    });
  }
  let index = 0;
  const correct = hypothesis.ends.map((end) => {
    let sum = 0;
    for (; index < end; index += 1) sum += Math.min(hypothesis.counts[index] ?? 0, most[index] ?? 0);
    return sum;
  });
  const guesses = correct.map((_, n) => Math.max(0, hypothesis.words - n));
  return {
    correct,
    guesses,
    hypothesisLength: hypothesis.words,
    referenceLength: closestLength(hypothesis, references),
  };
}

/** Of two references that are equally far from the hypothesis, the shorter counts (bleu_scorer.py, cook_test). */
function closestLength(hypothesis: NgramCounts, references: readonly NgramCounts[]): number {
  let closest = Infinity;
  for (const { words } of references) {
    const difference = Math.abs(words - hypothesis.words) - Math.abs(closest - hypothesis.words);
    if (difference < 0 || (difference === 0 && words < closest)) closest = words;
  }
  return closest;
}

export function sumBleuCounts(images: readonly BleuCounts[]): BleuCounts {
  const correct = new Array<number>(longestNgram).fill(0);
  const guesses = new Array<number>(longestNgram).fill(0);
  let hypothesisLength = 0;
  let referenceLength = 0;
  for (const image of images) {
    for (let n = 0; n < longestNgram; n += 1) {
      correct[n]! += image.correct[n] ?? 0;
      guesses[n]! += image.guesses[n] ?? 0;
    }
    hypothesisLength += image.hypothesisLength;
    referenceLength += image.referenceLength;
  }
  return { correct, guesses, hypothesisLength, referenceLength };
}

/** Negative counts: added to those of a corpus, they remove an image from it. */
export function negated({ correct, guesses, hypothesisLength, referenceLength }: BleuCounts): BleuCounts {
  return {
    correct: correct.map((count) => -count),
    guesses: guesses.map((count) => -count),
    hypothesisLength: -hypothesisLength,
    referenceLength: -referenceLength,
  };
}

/** BLEU-1, BLEU-2, BLEU-3, BLEU-4 of an image or a corpus. */
export function bleu({ correct, guesses, hypothesisLength, referenceLength }: BleuCounts): number[] {
  const ratio = (hypothesisLength + tiny) / (referenceLength + small);
  const shortness = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  return correct.map((count, n) => {
    product *= (count + tiny) / ((guesses[n] ?? 0) + small);
    return product ** (1 / (n + 1)) * shortness;
  });
}

/** Names of the columns in scores.json that hold BLEU's counts by image; their sums are the counts of the corpus. */
export const bleuColumnNames: readonly string[] = [
  ...Array.from({ length: longestNgram }, (_, n) => `BLEU correct ${n + 1}-grams`),
  ...Array.from({ length: longestNgram }, (_, n) => `BLEU all ${n + 1}-grams`),
  "BLEU words",
  "BLEU reference words",
];

export function bleuColumns(images: readonly BleuCounts[]): Readonly<Record<string, readonly number[]>> {
  const rows = images.map(({ correct, guesses, hypothesisLength, referenceLength }) => [
    ...correct,
    ...guesses,
    hypothesisLength,
    referenceLength,
  ]);
  return Object.fromEntries(bleuColumnNames.map((name, column) => [name, rows.map((row) => row[column] ?? 0)]));
}

/** BLEU-1 to BLEU-4 from sums of the columns, in the order of their names. */
export function bleuOfSums(sums: ArrayLike<number>): number[] {
  const at = (column: number): number => sums[column] ?? 0;
  const orders = Array.from({ length: longestNgram }, (_, n) => n);
  return bleu({
    correct: orders.map(at),
    guesses: orders.map((n) => at(longestNgram + n)),
    hypothesisLength: at(2 * longestNgram),
    referenceLength: at(2 * longestNgram + 1),
  });
}
