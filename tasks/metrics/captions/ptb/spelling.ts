/**
 * How a token is spelled, from the text that a rule of the scanner matched.
 */

export function asSpelled(text: string): string {
  return text;
}

/** A text of soft hyphens only is a hyphen. */
export function withoutSoftHyphens(text: string): string {
  return text.includes("\xad") ? text.replaceAll("\xad", "") || "-" : text;
}

/** Blanks inside a token become no-break spaces, so that blanks part tokens only. */
export function closeSpaces(text: string): string {
  return text.replaceAll(" ", "\xa0");
}

export function straightApostrophe(text: string): string {
  return text.replace(/&apos;|[\x92\u2019]/gu, "'").replace(/[\x91\u2018\u201b]/gu, "`");
}

/** Quotation marks as TeX writes them; low ones stay. */
export function quotes(text: string): string {
  return text
    .replaceAll("&apos;", "'")
    .replace(/[\x91\u2018\u201b\u2039]/gu, "`")
    .replace(/[\x92\u2019\u203a]/gu, "'")
    .replace(/[\x93\u201c\xab]/gu, "``")
    .replace(/[\x94\u201d\xbb]/gu, "''");
}

const brackets = new Map(
  Object.entries({ "(": "-LRB-", ")": "-RRB-", "[": "-LSB-", "]": "-RSB-", "{": "-LCB-", "}": "-RCB-" }),
);

/** A bracket alone by its name; inside a face or a number only the round ones. */
export function bracketNames(text: string): string {
  return brackets.get(text) ?? text.replaceAll("(", "-LRB-").replaceAll(")", "-RRB-");
}

const fractions = new Map(
  Object.entries({ "\xbc": "1/4", "\xbd": "1/2", "\xbe": "3/4", "\u2153": "1/3", "\u2154": "2/3" }),
);

export function fraction(text: string): string {
  return fractions.get(text) ?? text;
}

/** Cents in words, pounds and unknown currencies as the Penn Treebank has them; others as they are. */
export function currency(text: string): string {
  if (text === "\xa2") return "cents";
  if (text === "\xa3") return "#";
  return /[\x80\xa4\u20a0\u20ac]/u.test(text) ? "$" : text;
}
