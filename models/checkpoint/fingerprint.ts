/**
 * What a checkpoint is, in one line: a SHA-256 over the contents of its files. Gigabytes take a while to hash, so a file's
 * hash is remembered in our cache for as long as path, size, modification time and inode stay what they were.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, realpath, rename, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import { CheckpointError } from "../model.ts";
import { makeFolder } from "./make-folder.ts";

/**
 * The hashes of all files, in the manner of sha256sum ("<hash>  <name>", sorted by name), hashed once more. `files`: their
 * paths, by name.
 */
export async function fingerprintFiles(files: ReadonlyMap<string, string>, cacheFolder: string): Promise<string> {
  const lines: string[] = [];
  for (const [name, file] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(`${await hashFile(file, cacheFolder)}  ${name}\n`);
  }
  return createHash("sha256").update(lines.join("")).digest("hex");
}

/** SHA-256 of what is in a file now, in hexadecimal. */
export async function hashContent(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

const memoSchema = z.object({
  file: z.string(),
  sizeBytes: z.string(),
  modifiedNs: z.string(),
  inode: z.string(),
  sha256: z.string(),
});
type Memo = z.infer<typeof memoSchema>;

/** SHA-256 of a file's contents: a remembered one where path, size, modification time and inode are what they were then. */
export async function hashFile(file: string, cacheFolder: string): Promise<string> {
  const real = await realpath(file);
  // The Hugging Face cache names a large file's blob by its SHA-256.
  const name = path.basename(real);
  if (/^[0-9a-f]{64}$/.test(name) && path.basename(path.dirname(real)) === "blobs") return name;

  const { size, mtimeNs, ino } = await stat(real, { bigint: true });
  const state = { file: real, sizeBytes: String(size), modifiedNs: String(mtimeNs), inode: String(ino) };
  const memoFile = path.join(cacheFolder, "file-hashes", `${createHash("sha256").update(real).digest("hex")}.json`);
  const memo = await readMemo(memoFile);
  const isUnchanged =
    memo?.file === state.file &&
    memo.sizeBytes === state.sizeBytes &&
    memo.modifiedNs === state.modifiedNs &&
    memo.inode === state.inode;
  if (isUnchanged) return memo.sha256;

  const sha256 = await hashContent(real);
  await writeMemo(memoFile, { ...state, sha256 });
  return sha256;
}

/** undefined where there is none, or none that can be read: then the file is hashed, which mends it. */
async function readMemo(file: string): Promise<Memo | undefined> {
  try {
    return memoSchema.safeParse(JSON.parse(await readFile(file, "utf8"))).data;
  } catch {
    return undefined;
  }
}

/** Whole or not at all, whatever other processes write. */
async function writeMemo(file: string, memo: Memo): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await makeFolder(path.dirname(file));
    await writeFile(temporary, `${JSON.stringify(memo)}\n`);
    await rename(temporary, file);
  } catch (cause) {
    throw new CheckpointError(
      `${path.dirname(file)}: cannot write to the cache: ${String(cause)}. Give another folder with --cache.`,
      { cause },
    );
  }
}
