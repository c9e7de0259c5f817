/** Texts that a user lists in a file, one a line: candidates for answers, such as those of a VQA classifier, or prompts. */
import { createHash } from "node:crypto";
import { decodeNamed, readNamed } from "../../catalog/named-file.ts";
import { UsageError } from "../../catalog/usage-error.ts";

export interface ListedTexts {
  readonly texts: readonly string[];
  /** Of the file's bytes. */
  readonly sha256: string;
}

/**
 * Lines are taken as they are; only line ends, and empty lines at the end of the file, are left out. `flag`: what named the file, for
 * messages. Throws a UsageError.
 */
export async function readListedTexts(path: string, flag: "--candidates" | "--prompt-file"): Promise<ListedTexts> {
  const bytes = await readNamed(path, flag);
  const texts = decodeNamed(bytes, path, flag)
    .replace(/[\r\n]+$/, "")
    .split(/\r?\n/);
  if (texts.join("").trim() === "") {
    throw new UsageError(`${flag} ${path}: found no text, expected a text on each line.`);
  }
  const lines = new Map<string, number>();
  for (const [index, text] of texts.entries()) {
    const line = index + 1;
    if (text.trim() === "") {
      throw new UsageError(`${flag} ${path}, line ${line}: found no text, expected one. Take the line out.`);
    }
    const before = lines.get(text);
    if (before !== undefined) {
      throw new UsageError(
        `${flag} ${path}, line ${line}: found "${text}", which is on line ${before} already. Take one out.`,
      );
    }
    lines.set(text, line);
  }
  return { texts, sha256: createHash("sha256").update(bytes).digest("hex") };
}
