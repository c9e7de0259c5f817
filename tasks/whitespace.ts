/**
 * White space as Python's `str` methods see it, which is what the reference scorers and text processors were written with.
 * Unlike JavaScript's it holds the separators U+001C to U+001F and U+0085, and not the byte order mark.
 */
const whitespace = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const run = new RegExp(`[${whitespace}]+`);
const longRuns = new RegExp(`[${whitespace}]{2,}`, "g");
const single = new RegExp(`[${whitespace}]`);

/** `text.split()`: the words between runs of white space, none of them empty. */
export function splitWords(text: string): string[] {
  return text.split(run).filter((word) => word !== "");
}

/** `text.strip()`. */
export function stripWhitespace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWhitespace(text, start)) start += 1;
  while (end > start && isWhitespace(text, end - 1)) end -= 1;
  return text.slice(start, end);
}

function isWhitespace(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return (code <= 0x20 || code >= 0x80) && single.test(text.charAt(index)); // most text needs no regular expression
}

/** `re.sub(r"\s{2,}", " ", text)`: a single tab or newline stays what it is. */
export function collapseLongRuns(text: string): string {
  return text.replace(longRuns, " ");
}

/** `text.rstrip(character)`. */
export function stripEnd(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text.charAt(end - 1) === character) end -= 1;
  return text.slice(0, end);
}

/** `text.lstrip(character)`. */
export function stripStart(text: string, character: string): string {
  let start = 0;
  while (start < text.length && text.charAt(start) === character) start += 1;
  return text.slice(start);
}
