/** Which images a user means: files, folders, and patterns that no shell has filled in; and whether each can be used. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { inspectImage, noteOf } from "../../models/image/inspect-image.ts";
import { checkSize, limitsWith } from "../../models/image/image-processor.ts";
import { ImageError } from "../../models/model.ts";
import { UsageError } from "../catalog/usage-error.ts";

const extensions: readonly string[] = [".jpg", ".jpeg", ".png", ".webp", ".gif"];

/** Each once, as first named; a folder's and a pattern's in the order of their names. Throws a UsageError. */
export async function imageFiles(words: readonly string[]): Promise<readonly string[]> {
  const files = new Set<string>();
  for (const word of words) for (const file of await filesOf(word)) files.add(file);
  return [...files];
}

async function filesOf(word: string): Promise<readonly string[]> {
  const found = await stat(word).catch(() => null);
  if (found?.isDirectory() === true) return imagesIn(word);
  if (found !== null) return [word];
  if (/[*?]/.test(word)) return matching(word);
  throw new UsageError(`${word}: no such image. Give a file, a folder, or a pattern such as "photos/*.jpg".`);
}

async function imagesIn(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => extensions.includes(extname(name).toLowerCase())).sort();
  if (names.length > 0) return names.map((name) => join(folder, name));
  throw new UsageError(`${folder}: found no image in this folder, expected files in ${extensions.join(", ")}.`);
}

/** `*` is any text without a slash, `?` one letter; both in the last part of the path only. */
async function matching(pattern: string): Promise<readonly string[]> {
  const folder = dirname(pattern);
  if (/[*?]/.test(folder)) {
    throw new UsageError(`${pattern}: * and ? are understood in a file's name only. Name the folder.`);
  }
  const literal = (text: string): string => text.replaceAll(/[\\^$.|+()[\]{}]/g, String.raw`\$&`);
  const expression = literal(basename(pattern)).replaceAll("*", ".*").replaceAll("?", ".");
  const isMatch = new RegExp(`^${expression}$`, "su");
  const names = await readdir(folder).catch(() => {
    throw new UsageError(`${pattern}: there is no folder ${folder}.`);
  });
  const found = names.filter((name) => isMatch.test(name) && !name.startsWith(".")).sort();
  if (found.length === 0) throw new UsageError(`${pattern}: no file has such a name.`);
  return found.map((name) => join(folder, name));
}

export interface CheckedImage {
  readonly path: string;
  /** Why it cannot be used; null: it can. */
  readonly error: string | null;
  /** What a user should know of it; null: nothing. */
  readonly note: string | null;
}

/** Reads the header alone. `maxPixels` null: as many pixels as a model's image processor takes. */
export async function checkImage(path: string, maxPixels: number | null): Promise<CheckedImage> {
  try {
    const facts = await inspectImage(path);
    checkSize(path, facts, limitsWith(maxPixels));
    const note = noteOf(facts);
    return { path, error: null, note: note === null ? null : `${path}: ${note}` };
  } catch (cause) {
    if (!(cause instanceof ImageError)) throw cause;
    return { path, error: cause.message, note: null };
  }
}
