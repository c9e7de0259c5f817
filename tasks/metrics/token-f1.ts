/**
 * Token F1: how many words answer and reference share. Rajpurkar et al. 2016 (SQuAD, arXiv 1606.05250), section 6.1, as
 * the official script for version 1.1 computes it, with SQuAD's own normal form. A fraction, higher is better: of each
 * sample the best over its references; then the mean.
 *
 *   normal form   "The cat's bowl, on a mat." -> "cats bowl on mat"   lower case, no ASCII punctuation, no a, an, the
 *   precision P   shared words / words of the answer; a word counts as often as both have it
 *   recall R      shared words / words of the reference
 *   score         2 P R / (P + R); 0 where no word is shared
 *
 * Edge cases: where answer or reference has no word left, the score is 1 if both have none, else 0, as in the script for
 * version 2.0; that of version 1.1 gives 0 for both.
 */
import type { Metric } from "../task.ts";
import { splitWords } from "../whitespace.ts";
import { referenceTexts } from "./hypotheses.ts";
import type { ReferencedSample } from "./hypotheses.ts";
import { meanScore } from "./mean-score.ts";
import { quotedWords, shownNumber, unscoredWorking } from "./working.ts";

export const tokenF1: Metric<ReferencedSample> = {
  name: "token-f1",
  unit: "fraction",
  higherIsBetter: true,
  score(hypotheses) {
    return meanScore(hypotheses, ({ sample, answer }) => {
      const words = squadWords(answer);
      return Math.max(...referenceTexts(sample).map((reference) => f1(words, squadWords(reference))));
    });
  },
  explain(place, hypotheses) {
    const { sample, answer } = hypotheses[place]!;
    const references = referenceTexts(sample);
    if (references.length === 0) return unscoredWorking;
    const words = squadWords(answer);
    const each = references.map((reference) => f1(words, squadWords(reference)));
    return {
      score: Math.max(...each),
      steps: [
        { what: "words of the answer", result: quotedWords(words) },
        ...references.map((reference, index) => ({
          what: `words of a reference: ${quotedWords(squadWords(reference))}`,
          result: `F1 ${shownNumber(each[index]!)}`,
        })),
      ],
    };
  },
};

const punctuation = /[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g; // Python's string.punctuation
/** Articles between characters that are no letter, digit or underscore of any script, as Python's \b has it. */
const articles = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;

/** The words of SQuAD's normal form. Articles go after punctuation, so that "a.m." is the word "am". */
function squadWords(text: string): readonly string[] {
  return splitWords(text.toLowerCase().replace(punctuation, "").replace(articles, " "));
}

function f1(answer: readonly string[], reference: readonly string[]): number {
  if (answer.length === 0 || reference.length === 0) return answer.length === reference.length ? 1 : 0;
  const left = new Map<string, number>();
  for (const word of reference) left.set(word, (left.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of answer) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    left.set(word, count - 1);
    shared += 1;
  }
  if (shared === 0) return 0;
  const [precision, recall] = [shared / answer.length, shared / reference.length];
  return (2 * precision * recall) / (precision + recall);
}
