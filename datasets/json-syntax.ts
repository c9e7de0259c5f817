/**
 * Finds the position at which a text stops being valid JSON (RFC 8259). JSON.parse is fast, but its error messages
 * depend on the engine and often name no position. This slower parser runs only on texts that JSON.parse has refused.
 */

export interface SyntaxFault {
  /** Index of the first character that is not allowed at its position. */
  readonly index: number;
  readonly found: string;
  readonly expected: string;
}

/** What was expected, in the words of the message. */
const EXPECTED = {
  value: "a value",
  firstItem: 'a value or "]"',
  firstKey: 'a string key or "}"',
  key: "a string key",
  colon: '":"',
  afterItem: '"," or "]"',
  afterEntry: '"," or "}"',
  end: "nothing more",
} as const;
type Place = keyof typeof EXPECTED;

const SPACE = /[ \t\n\r]*/y;
const TOKEN =
  /[{}[\],:]|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const SOUND_PART_OF_STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/y;

/** Matches the beginning of an escape, a word or a number, with which a truncated text may end. */
const UNFINISHED = /^(?:\\(?:u[\da-fA-F]{0,3})?|tr?u?|fa?l?s?|nu?l?|-|\.|[eE][+-]?)$/;

/**
 * The first fault of a text that should be one JSON value; null when it is valid.
 * @param isCut the text reaches the end of the file, so an unfinished token means that the file is truncated
 */
export function findSyntaxFault(text: string, isCut = false): SyntaxFault | null {
  const fault = firstFault(text);
  if (fault === null || !isCut || !UNFINISHED.test(text.slice(fault.index, fault.index + 8))) return fault;
  return { ...fault, index: text.length, found: "end of file" };
}

function firstFault(text: string): SyntaxFault | null {
  const open: ("{" | "[")[] = [];
  let place: Place = "value";
  let index = 0;
  for (;;) {
    index += lengthAt(SPACE, text, index);
    if (place === "end" && index === text.length) return null;
    const token = text.slice(index, index + lengthAt(TOKEN, text, index));
    const next = placeAfter(token, place, open);
    if (next === null) return faultAt(text, index, place);
    index += token.length;
    place = next;
  }
}

function lengthAt(pattern: RegExp, text: string, index: number): number {
  pattern.lastIndex = index;
  return pattern.test(text) ? pattern.lastIndex - index : 0;
}

/**
 * The parser state after a token; null when the token is not allowed there. `open`: the unclosed brackets around it.
 */
function placeAfter(token: string, place: Place, open: ("{" | "[")[]): Place | null {
  const takesValue = place === "value" || place === "firstItem";
  switch (token) {
    case "":
      return null;
    case "{":
    case "[":
      if (!takesValue) return null;
      open.push(token);
      return token === "{" ? "firstKey" : "firstItem";
    case "}":
      if (place !== "firstKey" && place !== "afterEntry") return null;
      open.pop();
      return placeAfterValue(open);
    case "]":
      if (place !== "firstItem" && place !== "afterItem") return null;
      open.pop();
      return placeAfterValue(open);
    case ",":
      if (place === "afterEntry") return "key";
      return place === "afterItem" ? "value" : null;
    case ":":
      return place === "colon" ? "value" : null;
    default:
      if (token.startsWith('"') && (place === "firstKey" || place === "key")) return "colon";
      return takesValue ? placeAfterValue(open) : null;
  }
}

function placeAfterValue(open: readonly ("{" | "[")[]): Place {
  const around = open.at(-1);
  if (around === undefined) return "end";
  return around === "{" ? "afterEntry" : "afterItem";
}

/** The position of a fault: inside a string that is allowed here, or at the first character of anything else. */
function faultAt(text: string, index: number, place: Place): SyntaxFault {
  const takesString = place === "value" || place === "firstItem" || place === "firstKey" || place === "key";
  if (text[index] !== '"' || !takesString)
    return { index, found: describeFound(text, index), expected: EXPECTED[place] };

  const inside = index + lengthAt(SOUND_PART_OF_STRING, text, index);
  if (inside === text.length) return { index: inside, found: "end of file", expected: "the closing quote of a string" };
  if (text[inside] !== "\\") {
    return { index: inside, found: describeFound(text, inside), expected: "an escape such as \\n inside a string" };
  }
  const found = JSON.stringify(text.slice(inside, inside + 2)).replace("\\\\", "\\");
  return { index: inside, found, expected: "an escape such as \\n or \\u00e9" };
}

/** The word or the sign at an index, as a message shows it. */
export function describeFound(text: string, index: number): string {
  const code = text.codePointAt(index);
  if (code === undefined) return "end of file";
  if (code < 0x20) return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  const word = /^[^\s,:{}[\]"]{1,20}/.exec(text.slice(index, index + 20))?.[0];
  return `"${word ?? String.fromCodePoint(code)}"`;
}
