/**
 * Exact match, as LAVIS scores GQA (lavis/tasks/vqa.py, GQATask): hypothesis and reference in VQA's normal form
 * (vqa-answer.ts: punctuation, then words), 1 if they are equal, else 0; then the mean.
 *
 * LAVIS has normalised the reference since December 2023, before that only the hypothesis. Edge cases: with several
 * references, a match with any of them counts (GQA has one). If no sample has references there is no score; if only
 * some have none, that is an error.
 */
import type { Metric } from "../task.ts";
import { referenceTexts } from "./hypotheses.ts";
import type { ReferencedSample } from "./hypotheses.ts";
import { meanScore } from "./mean-score.ts";
import { normaliseAnswer } from "./vqa-answer.ts";
import { changed, unscoredWorking } from "./working.ts";

export const exactMatch: Metric<ReferencedSample> = {
  name: "accuracy",
  unit: "fraction",
  higherIsBetter: true,
  score(hypotheses) {
    return meanScore(hypotheses, ({ sample, answer }) => {
      const hypothesis = normaliseAnswer(answer);
      return referenceTexts(sample).some((reference) => normaliseAnswer(reference) === hypothesis) ? 1 : 0;
    });
  },
  explain(place, hypotheses) {
    const { sample, answer } = hypotheses[place]!;
    const references = referenceTexts(sample);
    if (references.length === 0) return unscoredWorking;
    const hypothesis = normaliseAnswer(answer);
    const isEqual = references.map((reference) => normaliseAnswer(reference) === hypothesis);
    return {
      score: isEqual.includes(true) ? 1 : 0,
      steps: [
        { what: "the answer, as it is compared", result: changed(answer, hypothesis) },
        ...references.map((reference, index) => ({
          what: `reference ${changed(reference, normaliseAnswer(reference))}`,
          result: isEqual[index] === true ? "equal" : "not equal",
        })),
      ],
    };
  },
};
