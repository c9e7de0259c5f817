/**
 * SHA256SUMS: checksums of the files of a finished run, made when they were written, in the format of sha256sum, so
 * that `sha256sum -c SHA256SUMS` checks them, too. A report compares them, to detect files that were edited by hand.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { writeFileWhole } from "./atomic-file.ts";
import { systemCode } from "./run-folder-error.ts";

export const checksumsName = "SHA256SUMS";

/** The SHA-256 of a file, hexadecimal; null: the file does not exist. */
export async function fileChecksum(path: string): Promise<string | null> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
  return hash.digest("hex");
}

/** Checksums by file name; null: the folder has no SHA256SUMS, as in earlier versions. Invalid lines are skipped. */
export async function readChecksums(folder: string): Promise<ReadonlyMap<string, string> | null> {
  const text = await readFile(join(folder, checksumsName), "utf8").catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  const lines = text.split("\n").map((line) => /^([0-9a-f]{64}) [ *](.+)$/.exec(line));
  return new Map(lines.flatMap((match) => (match === null ? [] : [[match[2]!, match[1]!] as const])));
}

/** Records the current checksums of these files; those of other files stay. Missing files are not recorded. */
export async function recordChecksums(folder: string, names: readonly string[]): Promise<void> {
  const known = await readChecksums(folder);
  const sums = new Map(known ?? []);
  for (const name of names) {
    const sum = await fileChecksum(join(folder, name));
    if (sum === null) sums.delete(name);
    else sums.set(name, sum);
  }
  const same = known !== null && sums.size === known.size && [...sums].every(([name, sum]) => known.get(name) === sum);
  if (same) return;
  const lines = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, sum]) => `${sum}  ${name}\n`);
  await writeFileWhole(join(folder, checksumsName), lines.join(""));
}
