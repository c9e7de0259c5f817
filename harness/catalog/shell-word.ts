/**
 * A word of a command that is shown, as a POSIX shell reads it: in quotes where it needs them. Control characters and the marks
 * that reorder or hide text, which a terminal would act on, are written as octal numbers that printf prints.
 */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const parts = word.split(/((?:(?![\n\t])[\p{Cc}\p{Cf}])+)/u); // what stands at odd places is such a run of characters
  const written = parts.map((part, index) => (index % 2 === 1 ? printed(part) : quoted(part)));
  return written.join("") || "''";
}

function quoted(text: string): string {
  return text === "" ? "" : `'${text.replaceAll("'", "'\\''")}'`;
}

function printed(text: string): string {
  const octal = [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`);
  return `"$(printf '${octal.join("")}')"`;
}
