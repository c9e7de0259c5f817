/**
 * The words that caption metrics count: Stanford's PTBTokenizer 3.4.1 as pycocoevalcap's wrapper runs it
 * (tokenizer/ptbtokenizer.py), lower case and without punctuation. Brackets survive as `-lrb-`, `-rrb-`, ..: the wrapper's
 * list has them in upper case. A token may hold no-break spaces; `captionWords` parts it there.
 *
 *   A man's t-shirt (red), 10:30 a.m.   ->   a  man  's  t-shirt  -lrb-  red  -rrb-  10:30  a.m.
 *
 * As in the official code, all captions of a run are tokenised as one text, a line each, so the tokens at the end of a
 * caption can depend on the beginning of the next: "plan B." is `plan b` before "The man" and `plan b.` before "the
 * man".
 */
import { splitWords } from "../../whitespace.ts";
import { scan } from "./ptb/scanner.ts";

/**
 * How to treat characters other than a newline that end a line for the tokenizer: carriage return, vertical tab, form
 * feed, U+2028 and U+2029.
 *
 *   blank      they are blanks, as the wrapper makes newlines: every caption keeps its own tokens
 *   official   they end the line, and the caption with it: each later caption gets the tokens of a line before its own, and
 *              the last lines are lost. Only for comparison with the official result.
 */
export type LineEnds = "blank" | "official";

const newlines = /\n/gu;
const allLineEnds = /[\n\v\f\r\u2028\u2029]/gu;

/** ptbtokenizer.py, PUNCTUATIONS. Tokens are in lower case by now, so the names of brackets match none. */
const punctuation: ReadonlySet<string> = new Set([
  "''",
  "'",
  "``",
  "`",
  "-LRB-",
  "-RRB-",
  "-LCB-",
  "-RCB-",
  ".",
  "?",
  "!",
  ",",
  ":",
  "-",
  "--",
  "...",
  ";",
]);

/** The tokens of each caption; empty for a caption of blanks and punctuation. */
export function tokenizeCaptions(captions: readonly string[], lineEnds: LineEnds = "blank"): string[][] {
  const blanks = lineEnds === "blank" ? allLineEnds : newlines;
  const lines = scan(captions.map((caption) => caption.replace(blanks, " ")).join("\n"));
  return captions.map((_, index) => (lines[index] ?? []).filter((token) => !punctuation.has(token)));
}

const notPlain = /[^!-~]/u; // a token with other characters may hold white space

/**
 * The words of a caption for BLEU and CIDEr, which split at any white space, including no-break spaces inside a token.
 */
export function captionWords(tokens: readonly string[]): readonly string[] {
  return tokens.some((token) => notPlain.test(token)) ? splitWords(tokens.join(" ")) : tokens;
}
