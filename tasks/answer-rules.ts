/** How generated text becomes the answer that is scored, by name, for tasks of a user's own. */
import { splitWords } from "./whitespace.ts";

/** `trim` is what the tasks of the paper do. A text without a word is the empty answer. */
export const answerRules = {
  trim: (text: string): string => text.trim(),
  "first-line": (text: string): string =>
    text
      .trim()
      .split(/[\r\n]/, 1)[0]!
      .trim(),
  "first-word": (text: string): string => splitWords(text)[0] ?? "",
} as const;

export type AnswerRule = keyof typeof answerRules;

/** The first group that the expression finds, or all it finds where it has no group; empty where it finds nothing. */
export function patternAnswer(pattern: RegExp): (text: string) => string {
  return (text) => {
    const found = pattern.exec(text);
    return (found?.[1] ?? found?.[0] ?? "").trim();
  };
}
