/**
 * Accuracy over choices: 1 where what was chosen is a reference, else 0; then the mean. A reference is a choice's text or letter,
 * read as an answer is (choices.ts). What was chosen is, by metric:
 *
 *   choice-accuracy                 the choice that the answer means; an answer that is none of them is wrong
 *   choice-accuracy-sum             the choice with the largest log-probability; lm-evaluation-harness's acc
 *   choice-accuracy-per-token       ... divided by the choice's tokens
 *   choice-accuracy-per-character   ... divided by the characters of its text; lm-evaluation-harness's acc_norm
 *
 * The last three are of runs that ranked each sample's choices (--answers ranked). Of equally likely choices the first is chosen,
 * as there. Edge cases: no references are no score. Choices at some samples only, and a reference that is no choice, are errors.
 */
import { DatasetError } from "../../datasets/dataset.ts";
import { choiceMeant, choicesOf, normalised } from "../choices.ts";
import type { LengthNorm } from "../choices.ts";
import type { Hypothesis, Metric, WeighedChoice, Working, WorkingStep } from "../task.ts";
import { referenceTexts } from "./hypotheses.ts";
import type { ReferencedSample } from "./hypotheses.ts";
import { meanScore } from "./mean-score.ts";
import { shownNumber, unscoredWorking } from "./working.ts";

export const choiceAccuracy: Metric<ReferencedSample> = {
  name: "choice-accuracy",
  unit: "fraction",
  higherIsBetter: true,
  appliesTo: (_, split) => split.some(hasChoices),
  score: (hypotheses) => scoreOf(hypotheses, meant),
  explain: (place, hypotheses) => {
    const hypothesis = hypotheses[place]!;
    const what = `the answer ${JSON.stringify(hypothesis.answer)}`;
    return workingOf(
      hypothesis.sample,
      [{ what, result: named(meant(hypothesis), hypothesis.sample) }],
      meant(hypothesis),
    );
  },
};

export const choiceAccuracySum = byLikelihood("choice-accuracy-sum", "none");
export const choiceAccuracyPerToken = byLikelihood("choice-accuracy-per-token", "tokens");
export const choiceAccuracyPerCharacter = byLikelihood("choice-accuracy-per-character", "characters");

function byLikelihood(name: string, lengthNorm: LengthNorm): Metric<ReferencedSample> {
  return {
    name,
    unit: "fraction",
    higherIsBetter: true,
    appliesTo: (hypotheses, split) => split.some(hasChoices) && hypotheses.some(areChoicesWeighed),
    score: (hypotheses) => {
      if (!hypotheses.every(areChoicesWeighed)) return { value: null, standardError: null };
      return scoreOf(hypotheses, ({ candidates = [] }) => likeliest(candidates, lengthNorm));
    },
    explain: (place, hypotheses) => {
      const { sample, candidates = [] } = hypotheses[place]!;
      if (!hypotheses.every(areChoicesWeighed)) return unscoredWorking;
      const chosen = likeliest(candidates, lengthNorm);
      const each = candidates.map((candidate) => ({
        what: `choice ${named(candidate.index, sample)}, log-probability ${shownNumber(candidate.logProbability)}`,
        result: shownNumber(normalised(candidate, lengthNorm)),
      }));
      return workingOf(sample, [...each, { what: "the likeliest", result: named(chosen, sample) }], chosen);
    },
  };
}

/** The choice that the answer means. */
function meant({ sample, answer }: Hypothesis<ReferencedSample>): number | null {
  return choiceMeant(answer, choicesOf(sample));
}

function workingOf(sample: ReferencedSample, steps: readonly WorkingStep[], chosen: number | null): Working {
  if (!hasChoices(sample) || sample.references.length === 0) return unscoredWorking;
  const right = rightChoices(sample);
  const result = [...right].map((index) => named(index, sample)).join(", ");
  const score = chosen !== null && right.has(chosen) ? 1 : 0;
  return { score, steps: [...steps, { what: "the references", result }] };
}

/** `B, "blue"` */
function named(index: number | null, sample: ReferencedSample): string {
  if (index === null) return "no choice";
  const text = JSON.stringify(choicesOf(sample)[index]);
  return index < 26 ? `${String.fromCharCode("A".charCodeAt(0) + index)}, ${text}` : text;
}

function scoreOf(
  hypotheses: readonly Hypothesis<ReferencedSample>[],
  chosen: (hypothesis: Hypothesis<ReferencedSample>) => number | null,
): ReturnType<typeof meanScore> {
  const without = hypotheses.find(({ sample }) => !hasChoices(sample));
  if (without !== undefined) {
    const other = hypotheses.find(({ sample }) => hasChoices(sample));
    if (other === undefined) return { value: null, standardError: null };
    throw new DatasetError(
      `question ${without.sample.id} has no choices, question ${other.sample.id} has ${choicesOf(other.sample).length}. ` +
        "Give every question some, or score others by another metric.",
    );
  }
  return meanScore(hypotheses, (hypothesis) => {
    const index = chosen(hypothesis);
    return index !== null && rightChoices(hypothesis.sample).has(index) ? 1 : 0;
  });
}

function hasChoices(sample: ReferencedSample): boolean {
  return choicesOf(sample).length > 0;
}

/** Whether the candidates of a hypothesis are its sample's choices: all of them, and no others. */
function areChoicesWeighed({ sample, candidates }: Hypothesis<ReferencedSample>): boolean {
  const choices = choicesOf(sample);
  if (candidates === undefined || candidates.length !== choices.length) return false;
  return candidates.every(({ index, text }) => choices[index] === text);
}

/** Index of the likeliest choice, of equally likely ones the lowest; null where there is none. */
function likeliest(candidates: readonly WeighedChoice[], lengthNorm: LengthNorm): number | null {
  const inOrder = candidates.toSorted((a, b) => a.index - b.index);
  const scores = inOrder.map((candidate) => normalised(candidate, lengthNorm));
  return inOrder[scores.indexOf(Math.max(...scores))]?.index ?? null;
}

/** Indices of the choices that are references. */
function rightChoices(sample: ReferencedSample): ReadonlySet<number> {
  const choices = choicesOf(sample);
  return new Set(
    referenceTexts(sample).map((reference) => {
      const index = choiceMeant(reference, choices);
      if (index !== null) return index;
      const found = choices.map((choice) => JSON.stringify(choice)).join(", ");
      throw new DatasetError(
        `question ${sample.id}: reference ${JSON.stringify(reference)} is none of its choices, which are ${found}. ` +
          "Give a choice's text, or its letter: A is the first.",
      );
    }),
  );
}
