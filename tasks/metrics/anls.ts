/**
 * Average normalised Levenshtein similarity (ANLS): answers that were read in the image, with small mistakes forgiven. Biten
 * et al. 2019 (Scene Text VQA, arXiv 1905.13648), section 4, as the official evaluator of the Robust Reading Competition
 * computes it. A fraction, higher is better: of each sample the best over its references; then the mean.
 *
 *   distance     letters added, left out or changed, between lower-case texts whose white space is collapsed
 *   similarity   1 - distance / length of the longer text
 *   score        the similarity where it is at least 0.5, else 0
 *
 * The evaluator's oddities are kept: the length is that of the texts as they were written, outer and repeated white space
 * included, and a similarity of exactly 0.5 counts, which the paper's formula leaves out. Letters are code points. Two empty
 * texts score 1.
 */
import type { Metric } from "../task.ts";
import { splitWords } from "../whitespace.ts";
import { referenceTexts } from "./hypotheses.ts";
import type { ReferencedSample } from "./hypotheses.ts";
import { meanScore } from "./mean-score.ts";
import { shownNumber, unscoredWorking } from "./working.ts";

const threshold = 0.5; // section 4: below it the answer is another one, and not one that was misread

export const anls: Metric<ReferencedSample> = {
  name: "ANLS",
  unit: "fraction",
  higherIsBetter: true,
  score(hypotheses) {
    return meanScore(hypotheses, ({ sample, answer }) => {
      const similarity = Math.max(...referenceTexts(sample).map((reference) => similarityOf(answer, reference)));
      return similarity < threshold ? 0 : similarity;
    });
  },
  explain(place, hypotheses) {
    const { sample, answer } = hypotheses[place]!;
    const references = referenceTexts(sample);
    if (references.length === 0) return unscoredWorking;
    const each = references.map((reference) => similarityOf(answer, reference));
    const best = Math.max(...each);
    return {
      score: best < threshold ? 0 : best,
      steps: [
        ...references.map((reference, index) => ({
          what: `reference "${reference}"`,
          result: `similarity ${shownNumber(each[index]!)}`,
        })),
        { what: "the best, where it is at least 0.5", result: shownNumber(best < threshold ? 0 : best) },
      ],
    };
  },
};

function similarityOf(answer: string, reference: string): number {
  const length = Math.max(lettersOf(answer).length, lettersOf(reference).length);
  return length === 0 ? 1 : 1 - levenshteinDistance(comparedLetters(answer), comparedLetters(reference)) / length;
}

function comparedLetters(text: string): readonly string[] {
  return lettersOf(splitWords(text.toLowerCase()).join(" "));
}

function lettersOf(text: string): readonly string[] {
  return Array.from(text);
}

/** Computed with one row of Wagner and Fischer's table (1974) at a time. */
function levenshteinDistance(first: readonly string[], second: readonly string[]): number {
  // row[j]: distance of the letters of `first` so far from `second.slice(0, j)`
  const row = Uint32Array.from({ length: second.length + 1 }, (_, j) => j);
  for (const [i, letter] of first.entries()) {
    let diagonal = i;
    row[0] = i + 1;
    for (let j = 1; j <= second.length; j += 1) {
      const above = row[j]!;
      const changed = diagonal + (letter === second[j - 1] ? 0 : 1);
      row[j] = Math.min(changed, above + 1, row[j - 1]! + 1);
      diagonal = above;
    }
  }
  return row[second.length]!;
}
