/**
 * The answers that a question offers to choose from, and which of them an answer means:
 *
 *   choices   a red circle | a blue star | nothing
 *   "Red circle."   is the first: its text in VQA's normal form (metrics/vqa-answer.ts) is that choice's
 *   "(B)"           is the second: a letter alone, or as in (b), b), b. and b:
 *   "red"           is none of them
 *
 * Texts go before letters, for a choice may itself be "b". Of choices with one normal form the first is meant. Where the normal
 * form leaves nothing, as of "a", texts are compared in lower case.
 */
import type { Sample } from "../datasets/dataset.ts";
import { normaliseAnswer } from "./metrics/vqa-answer.ts";
import type { WeighedChoice } from "./task.ts";

/** A choice's log-probability itself, or its mean over the choice's tokens or characters. */
export const lengthNorms = ["none", "tokens", "characters"] as const;
export type LengthNorm = (typeof lengthNorms)[number];

/** What choices are compared by. Over characters it is lm-evaluation-harness's acc_norm, which counts as Python does. */
export function normalised({ text, logProbability, tokens }: WeighedChoice, lengthNorm: LengthNorm): number {
  switch (lengthNorm) {
    case "none":
      return logProbability;
    case "tokens":
      return logProbability / tokens;
    case "characters":
      return logProbability / Array.from(text).length;
  }
}

/** None where the sample has none. */
export function choicesOf(sample: Sample): readonly string[] {
  return "choices" in sample && Array.isArray(sample.choices) ? sample.choices.map(String) : [];
}

/** Index of the choice that a text means; null: none of them. */
export function choiceMeant(text: string, choices: readonly string[]): number | null {
  const form = normalForm(text);
  const byText = choices.findIndex((choice) => normalForm(choice) === form);
  if (byText !== -1) return byText;
  const [, letter] = /^\(?([a-z])[).:]?$/.exec(text.trim().toLowerCase()) ?? [];
  const byLetter = letter === undefined ? -1 : letter.charCodeAt(0) - "a".charCodeAt(0);
  return byLetter >= 0 && byLetter < choices.length ? byLetter : null;
}

function normalForm(text: string): string {
  const form = normaliseAnswer(text);
  return form === "" ? text.trim().toLowerCase() : form;
}
