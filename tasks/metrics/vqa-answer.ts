/**
 * An answer's normal form for VQA accuracy: the three text steps of the official scorer (GT-Vision-Lab/VQA, commit
 * a013f00, PythonEvaluationTools/vqaEvaluation/vqaEval.py), oddities kept. Which step is applied to which side:
 * vqa-accuracy.ts.
 *
 *   cleanAnswer          " red\n"          -> "red"            newlines and tabs, outer white space
 *   removePunctuation    "black/white."    -> "black white"    21 characters, then full stops
 *   normaliseWords       "Two of the dogs" -> "2 of dogs"      case, number words, articles, apostrophes
 *
 * The official code is Python 2, where `\d` knows ASCII digits only; it is run as Python 3 today, as LAVIS's copy always
 * was, and there `\d` is any Unicode decimal digit. Here it is Python 3's. White space is Python's in either case.
 */
import { splitWords, stripWhitespace } from "../whitespace.ts";

/** Newlines and tabs become spaces, outer white space is cut. vqaEval.py:88-90. */
export function cleanAnswer(text: string): string {
  const spaced = text.includes("\n") || text.includes("\t") ? text.replace(/[\n\t]/g, " ") : text;
  return stripWhitespace(spaced);
}

const punctuation = /[;/[\]"{}()=+\\_\-><@`,?!]/g; // vqaEval.py:64, 21 characters
const anyPunctuation = /[;/[\]"{}()=+\\_\-><@`,?!.]/;
const digitCommaDigit = /\p{Nd},\p{Nd}/u;
const fullStop = /\.(?!\p{Nd})/gu; // "not after a digit" is meant too, but written "(?!<=\d)", which is always true
const maxFullStops = 32; // re.UNICODE = 32 is passed where the count of replacements goes, vqaEval.py:139

/**
 * Each of 21 characters is deleted everywhere if somewhere in `text` it stands beside a space, or if there is a
 * digit, a comma and a digit anywhere; else it becomes a space. Then full stops not before a digit are deleted, at most 32.
 * `'`, `:`, `$`, `%`, `&`, `#`, `*` stay. vqaEval.py:130-140.
 */
export function removePunctuation(text: string): string {
  if (!anyPunctuation.test(text)) return text;
  const deleteAll = digitCommaDigit.test(text);
  const spaced = text.replace(punctuation, (character) =>
    deleteAll || text.includes(`${character} `) || text.includes(` ${character}`) ? "" : " ",
  );
  let removed = 0;
  return spaced.replace(fullStop, (stop) => (removed++ < maxFullStops ? "" : stop));
}

const numberWords: ReadonlyMap<string, string> = new Map(
  ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    .map((word, number): [string, string] => [word, String(number)])
    .concat([["none", "0"]]),
);
const articles: ReadonlySet<string> = new Set(["a", "an", "the"]);

/** Lower case; number words up to ten become digits; articles go; apostrophes come back. vqaEval.py:142-155. */
export function normaliseWords(text: string): string {
  const words: string[] = [];
  for (const word of splitWords(text.toLowerCase())) {
    const number = numberWords.get(word) ?? word;
    if (!articles.has(number)) words.push(contractions.get(number) ?? number);
  }
  return words.join(" ");
}

/** Both steps, in the official order: what follows punctuation is decided before words are. */
export function normaliseAnswer(text: string): string {
  return normaliseWords(removePunctuation(text));
}

/**
 * The official table of contractions (vqaEval.py:21-42), spelled as the families it consists of. Contractions that are
 * words even without an apostrophe (its, ill, well, were, shed) are not in it. Entries with a capital I can never
 * match, since the text is in lower case by then; they are kept so that the table equals the official one.
 */
export const contractions: ReadonlyMap<string, string> = new Map(contractionEntries());

function contractionEntries(): [misspelt: string, spelt: string][] {
  const words = (text: string): string[] => text.split(" ");
  const pronouns = words("I he it she somebody someone something there they we who you");
  return [
    ...words(
      "ain aren can couldn didn doesn don hadn hasn haven isn mightn mustn needn oughtn shan shouldn wasn weren won wouldn",
    ).map((word): [string, string] => [`${word}t`, `${word}'t`]),
    ...endings("ve", words("could might must not should they we what where who would you I")),
    ...endings("d", words("he how it someone something there they where who you")),
    ...endings("ll", words("how it somebody someone something they what who why you")),
    ...endings("s", words("he how somebody someone that there what when where who why")),
    ...endings("re", words("there they what why you")),
    ...words("could had might should would").flatMap((word): [string, string][] => [
      [`${word}nt've`, `${word}n't've`],
      [`${word}n'tve`, `${word}n't've`],
    ]),
    ...pronouns.flatMap((word): [string, string][] => [
      [`${word}d've`, `${word}'d've`],
      [`${word}'dve`, `${word}'d've`],
    ]),
    ...["yall'll", "y'allll"].map((word): [string, string] => [word, "y'all'll"]),
    ...["yall'd've", "y'alld've", "y'all'dve"].map((word): [string, string] => [word, "y'all'd've"]),
    ...["ow's'at", "'ows'at", "'ow'sat"].map((word): [string, string] => [word, "'ow's'at"]),
    ["yall", "y'all"],
    ["Im", "I'm"],
    ["maam", "ma'am"],
    ["oclock", "o'clock"],
    ["twas", "'twas"],
    ["let's", "let's"],
    ["she's", "she's"],
    ["somebody'd", "somebodyd"], // the official table has key and value swapped here
  ];
}

function endings(ending: string, words: readonly string[]): [string, string][] {
  return words.map((word) => [`${word}${ending}`, `${word}'${ending}`]);
}
