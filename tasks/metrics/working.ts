/** The words in which metrics work out a score for a person. */
import type { Working } from "../task.ts";

/** Of a sample without references, or of a split that has no score. */
export const unscoredWorking: Working = {
  score: null,
  steps: [{ what: "references", result: "none to compare with" }],
};

/** Six significant digits, and no zeros at the end: 0.9, 0.333333. */
export function shownNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** A text as it was and, where that is another, in the form in which it is compared: `"Red." -> "red"`. */
export function changed(before: string, after: string): string {
  return before === after ? JSON.stringify(after) : `${JSON.stringify(before)} -> ${JSON.stringify(after)}`;
}

export function quotedWords(words: readonly string[]): string {
  return words.length === 0 ? "none" : JSON.stringify(words.join(" "));
}
