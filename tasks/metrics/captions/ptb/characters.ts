/**
 * The kinds of characters and small pieces of text that the scanner's rules are made of, as patterns of pattern.ts.
 */

/** Combining marks and the vowel signs of the scripts that have them, up to Lao. */
const marks = Array.from({ length: 0x0f00 - 0x0300 }, (_, offset) => String.fromCharCode(0x0300 + offset))
  .filter((character) => /\p{M}/u.test(character))
  .join("");

/** A letter of the basic plane, a soft hyphen, a mark, or an entity such as `&eacute;`. */
export const letter = String.raw`([\p{L}\xad${marks}] | & [aeiouAEIOU] (acute|grave|uml);)`;
export const digit = String.raw`[\p{Nd}]`;
export const letterOrDigit = `(${letter}|${digit})`;

export const apostrophe = String.raw`(['\x92\u2019] | &apos;)`;
/** Apostrophes, and characters that are typed in place of one. */
export const apostropheLike = "(" + apostrophe + String.raw` | [\x60\x91\u2018\u201b])`;

export const space = String.raw`[ \t\xa0\u2000-\u200a\u3000]`;
export const lineBreak = String.raw`([\r][\n] | [\n\v\f\r\x85\u2028\u2029])`;
export const whitespace = `(${space} | ${lineBreak})`;

/** Punctuation inside a sentence; a period before it belongs to the word. */
export const innerPunctuation = String.raw`[,;:\u3001]`;

/** Letters and digits from a letter on; more of them behind a single `.`, `!` or `?`: `dog.cat` is one word. */
export const word = `${letter} ${letterOrDigit}* ([.!?] ${letter} ${letterOrDigit}*)*`;

/** `'s` and its kind, behind a word. */
export const clitic = `${apostrophe} ([smdSMD] | re | ve | ll)`;
/** `n't`, behind a word that loses its own n to it: `do|n't`. */
export const negation = `n ${apostropheLike} t`;

const name = "[A-Za-z] [-A-Za-z0-9_:.]*";
const attribute = `${name} ([ ]* = [ ]* ('[^']*' | "[^"]*"))?`;
/** A tag, comment or processing instruction. Quoted values may run over lines, unquoted values are no markup. */
export const markup = String.raw`< ([!?] [-A-Za-z] [^>\r\n]* | \/ ${name} | ${name} ([ ]+ ${attribute})* [ ]* \/?) [ ]* >`;

/** One of several words, given with blanks between them. */
export function oneOf(words: string): string {
  return `(${words.trim().split(/\s+/u).join("|")})`;
}
