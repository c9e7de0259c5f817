/**
 * SHA256SUMS: what the files of a finished run were when they were written, as sha256sum prints it, so that
 * `sha256sum -c SHA256SUMS` in the folder checks them, too. A report compares them: files that were edited by hand are told
 * from what was measured.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { writeFileWhole } from "./atomic-file.ts";
import { systemCode } from "./run-folder-error.ts";

export const checksumsName = "SHA256SUMS";

/** null: there is no such file. */
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

/** By file name; null: the folder has none, as those of earlier versions. A line that is none is left out. */
export async function readChecksums(folder: string): Promise<ReadonlyMap<string, string> | null> {
  const text = await readFile(join(folder, checksumsName), "utf8").catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  const lines = text.split("\n").map((line) => /^([0-9a-f]{64}) [ *](.+)$/.exec(line));
  return new Map(lines.flatMap((match) => (match === null ? [] : [[match[2]!, match[1]!] as const])));
}

/** Records these files as they are now; what is recorded of others stays. A file that is not there is not recorded. */
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
