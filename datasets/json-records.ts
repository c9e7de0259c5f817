/**
 * The records of a large JSON file, one at a time: VQAv2's annotations are 180 MB of text and one line. Only one record
 * is in memory at a time, besides what the caller keeps. Invalid JSON, and a record that the reader refuses, are errors
 * with line and column; nothing is skipped silently.
 */
import { open } from "node:fs/promises";
import { describePosition, fileError, locate, unreadableFile } from "./annotation-file.ts";
import type { AnnotationFile } from "./annotation-file.ts";
import { CLOSE_LIST, JsonScanner, OPEN_LIST, OPEN_OBJECT } from "./json-scanner.ts";
import { RecordError } from "./record-fields.ts";

export interface JsonRecord {
  readonly value: unknown;
  /** Counts from 1 within its list. */
  readonly number: number;
  /** The key of the record, in a file that is an object of records. */
  readonly key: string | null;
}

/** Reads one record; throws a RecordError for one that violates the format. */
export type RecordReader = (record: JsonRecord) => void;

/** The other fields at the top level, such as `data_subtype`. */
export type TopLevelFields = ReadonlyMap<string, unknown>;

/**
 * Reads the named lists at the top level of a file, in the order of the file. Other lists are checked to be JSON and
 * dropped.
 * @returns the other values at the top level
 * @throws DatasetError for a file that is not JSON, lacks a list, or has a record its reader refuses
 */
export async function readJsonLists(
  file: AnnotationFile,
  readers: Readonly<Record<string, RecordReader>>,
): Promise<TopLevelFields> {
  return await withScanner(file, async (scanner) => {
    const { fields, lists } = await readTopLevel(scanner, readers);
    for (const name of Object.keys(readers)) {
      if (lists.has(name)) continue;
      const what = fields.has(name) ? `"${name}" is not a list` : `has no list "${name}"`;
      const names = [...lists, ...fields.keys()].join(", ");
      throw fileError(file, `${what}; its top level has: ${names === "" ? "nothing" : names}. Is this the right file?`);
    }
    return fields;
  });
}

/**
 * Reads those of the named lists that a file has.
 * @returns false where the file is a list itself, of which nothing was read
 */
export async function readJsonListsThere(
  file: AnnotationFile,
  readers: Readonly<Record<string, RecordReader>>,
): Promise<boolean> {
  return await withScanner(file, async (scanner) => {
    if ((await scanner.peek()) === OPEN_LIST) return false;
    await readTopLevel(scanner, readers);
    return true;
  });
}

/** Reads an object whose lists are given to their readers; `fields` are its other values, `lists` the lists' names. */
async function readTopLevel(
  scanner: JsonScanner,
  readers: Readonly<Record<string, RecordReader>>,
): Promise<{ readonly fields: TopLevelFields; readonly lists: ReadonlySet<string> }> {
  const fields = new Map<string, unknown>();
  const lists = new Set<string>();
  await scanner.expect(OPEN_OBJECT, '"{"');
  for await (const key of scanner.keys()) {
    if (lists.has(key) || fields.has(key))
      throw fileError(scanner.file, `has "${key}" twice at its top level. Keep one.`);
    if ((await scanner.peek()) === OPEN_LIST) {
      lists.add(key);
      await readList(scanner, Object.hasOwn(readers, key) ? readers[key] : undefined, key);
    } else {
      fields.set(key, await scanner.value());
    }
  }
  await scanner.expect(null, "end of file");
  return { fields, lists };
}

/** Reads a file that is one list of records, or one object of records by key. Throws what `readJsonLists` throws. */
export async function readJsonEntries(file: AnnotationFile, reader: RecordReader): Promise<void> {
  await withScanner(file, async (scanner) => {
    if ((await scanner.peek()) === OPEN_LIST) {
      await readList(scanner, reader, null);
    } else {
      await scanner.expect(OPEN_OBJECT, '"{" or "["');
      let number = 0;
      for await (const key of scanner.keys()) {
        await readRecord(scanner, reader, { number: ++number, key, list: null });
      }
    }
    await scanner.expect(null, "end of file");
  });
}

async function readList(scanner: JsonScanner, reader: RecordReader | undefined, list: string | null): Promise<void> {
  await scanner.expect(OPEN_LIST, '"["');
  if (await scanner.accept(CLOSE_LIST)) return;
  let number = 0;
  do {
    await readRecord(scanner, reader, { number: ++number, key: null, list });
  } while (!(await scanner.isAtLast(CLOSE_LIST, '"," or "]"')));
}

async function readRecord(
  scanner: JsonScanner,
  reader: RecordReader | undefined,
  { number, key, list }: { number: number; key: string | null; list: string | null },
): Promise<void> {
  const value = await scanner.value();
  try {
    reader?.({ value, number, key });
  } catch (cause) {
    if (!(cause instanceof RecordError)) throw cause;
    const { file, valueOffset } = scanner;
    const place = describePosition(await locate(file.path, valueOffset));
    const record = `record ${number}${list === null ? "" : ` of "${list}"`}${key === null ? "" : `, "${key}"`}`;
    throw fileError(file, `${record}, at ${place}: ${cause.message}`);
  }
}

async function withScanner<T>(file: AnnotationFile, read: (scanner: JsonScanner) => Promise<T>): Promise<T> {
  const handle = await open(file.path).catch((cause: unknown) => {
    throw unreadableFile(file, cause);
  });
  try {
    return await read(new JsonScanner(file, handle));
  } finally {
    await handle.close();
  }
}
