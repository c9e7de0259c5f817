/**
 * An official annotation file on disk, and the beginning of error messages about it: `vqav2 val: folder/file.json: …`,
 * with line and column where they are known.
 */
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatasetError, MissingDataError } from "./dataset.ts";
import type { DataSource } from "./dataset.ts";

export interface AnnotationFile {
  /** Data set and split for messages: `vqav2 val`. */
  readonly split: string;
  readonly path: string;
}

/** Line and column count from 1, column in characters; `byte` counts from 0. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
  readonly byte: number;
}

/** The most file names a message lists. */
const LISTED_NAMES = 12;

export function fileError(file: AnnotationFile, what: string, cause?: unknown): DatasetError {
  return new DatasetError(`${file.split}: ${file.path}: ${what}`, { cause });
}

/** The error for a file that the system does not give. */
export function unreadableFile(file: AnnotationFile, cause: unknown): DatasetError {
  return fileError(file, `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
}

/** Looks up the entry of a split by its name. Throws a DatasetError that lists the splits for an unknown name. */
export function splitNamed<T>(dataset: string, splits: Readonly<Record<string, T>>, name: string): T {
  const split = Object.hasOwn(splits, name) ? splits[name] : undefined;
  if (split !== undefined) return split;
  throw new DatasetError(`${dataset}: no split "${name}". Splits: ${Object.keys(splits).join(", ")}.`);
}

/**
 * The annotation file with this official name in the data folder.
 * @param otherwise makes the advice in the error from the files that are there
 * @throws DatasetError naming the file, the folder and the JSON files that are there
 */
export async function findAnnotationFile(
  source: DataSource,
  split: string,
  { name, otherwise = () => "" }: { name: string; otherwise?: (present: readonly string[]) => string },
): Promise<AnnotationFile> {
  const path = join(source.folder, name);
  const found = await stat(path).catch(() => null);
  if (found?.isFile() === true) return { split, path };
  if (found !== null)
    throw new DatasetError(`${split}: ${path} is a folder, expected a JSON file. Give the data folder with --data.`);

  const present = await readdir(source.folder).catch((cause: unknown) => {
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const what =
      reason === "ENOENT" ? "does not exist" : reason === "ENOTDIR" ? "is not a folder" : `cannot be read (${reason})`;
    throw new MissingDataError(
      `${split}: the data folder ${source.folder} ${what}; expected ${name} in it. Give the folder with --data.`,
      { cause },
    );
  });
  const json = present.filter((file) => file.toLowerCase().endsWith(".json")).sort();
  const listed =
    json.slice(0, LISTED_NAMES).join(", ") +
    (json.length > LISTED_NAMES ? ` and ${json.length - LISTED_NAMES} more` : "");
  const there = json.length === 0 ? "no JSON file is there" : `found there: ${listed}`;
  const hint = otherwise(present);
  throw new MissingDataError(
    `${split}: ${name} not found in ${source.folder}; ${there}. ${hint === "" ? "" : `${hint} `}Give the folder with --data.`,
  );
}

/** Counts ids for a message and names the first ones: `3, first 1000, 1001, 1002`. */
export function countOf(ids: readonly string[]): string {
  if (ids.length === 0) return "0";
  return `${ids.length}, first ${ids.slice(0, 3).join(", ")}`;
}

/**
 * Line and column of a byte, found by reading the file up to it. Only error messages need them, so lines are not
 * counted while parsing.
 */
export async function locate(path: string, byte: number): Promise<TextPosition> {
  const handle = await open(path);
  try {
    const chunk = Buffer.allocUnsafe(1 << 20);
    let line = 1;
    let column = 1;
    let position = 0;
    while (position < byte) {
      const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, byte - position), position);
      if (bytesRead === 0) break;
      const first = position === 0 && startsWithByteOrderMark(chunk, bytesRead) ? 3 : 0;
      for (let i = first; i < bytesRead; i++) {
        const value = chunk[i]!;
        if (value === 0x0a) {
          line++;
          column = 1;
        } else if ((value & 0xc0) !== 0x80) {
          column++; // a continuation byte of UTF-8 is part of the character before it
        }
      }
      position += bytesRead;
    }
    return { line, column, byte };
  } finally {
    await handle.close();
  }
}

export function startsWithByteOrderMark(bytes: Buffer, length: number): boolean {
  return length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

export function describePosition({ line, column, byte }: TextPosition): string {
  return `line ${line}, column ${column} (byte ${byte})`;
}
