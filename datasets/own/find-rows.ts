/**
 * Which form own data has. A file is read by its type; a folder holds one of these, looked for in this order:
 *
 *   metadata.jsonl, .csv, .tsv      beside the images, or one in each folder of a split: Hugging Face's imagefolder
 *   captions.txt, *.token.txt       as Flickr8k and Flickr30k have them
 *   *.parquet                       as the hub has them; the names tell the split
 *   *.tar                           WebDataset's shards
 *   *.jsonl, *.csv, *.tsv, *.json   one file, one for each split, or questions and annotations in a file each
 *   photo.jpg and photo.txt         captions beside images
 */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { AnnotationFile } from "../annotation-file.ts";
import { DatasetError, MissingDataError } from "../dataset.ts";
import { openMirror } from "../parquet/mirror.ts";
import type { ParquetFile } from "../parquet/parquet-file.ts";
import { openParquetFile } from "../parquet/parquet-file.ts";
import { readCsvRows, readTokenRows } from "./csv-rows.ts";
import { readJsonlRows, readJsonRows } from "./json-rows.ts";
import { readParquetRows } from "./parquet-rows.ts";
import type { Row, RowPart } from "./row.ts";
import { readTarRows } from "./tar-rows.ts";
import { imagesWithText, readTextRows } from "./text-rows.ts";

export interface FoundRows {
  /** In words, for people. */
  readonly form: string;
  readonly parts: readonly RowPart[];
}

/** Begins error messages, as `vqav2 val` does for official files. */
export const ownDataName = "own data";

const metadataNames = ["metadata.jsonl", "metadata.csv", "metadata.tsv"];
const tableTypes = [".jsonl", ".csv", ".tsv", ".json"];
/** The splits that folders and files are usually called. */
const splitNames = /^(train|training|val|valid|validation|dev|test|testing|eval)(?=$|[-_.\d])/i;

/** Throws a DatasetError where there is nothing, or nothing of a form that is read. */
export async function findRows(path: string): Promise<FoundRows> {
  const found = await stat(path).catch(() => null);
  if (found === null)
    throw new MissingDataError(`${ownDataName}: ${path} does not exist. Give a folder or a file with --data.`);
  if (found.isFile()) return { form: `the file ${basename(path)}`, parts: [await filePart(path)] };
  const names = (await readdir(path)).sort();
  for (const find of [metadata, flickrCaptions, parquet, shards, tables, textsBeside]) {
    const rows = await find(path, names);
    if (rows !== null) return rows;
  }
  throw new MissingDataError(
    `${ownDataName}: ${path}: found ${names.length === 0 ? "nothing" : names.slice(0, 8).join(", ")}; expected metadata.jsonl or metadata.csv, ` +
      "one JSONL, CSV, TSV, JSON, parquet or tar file, captions.txt, or a photo.txt beside each photo.jpg.",
  );
}

type Find = (folder: string, names: readonly string[]) => Promise<FoundRows | null>;

const metadata: Find = async (folder, names) => {
  const form = "an image folder with metadata";
  const here = names.filter((name) => metadataNames.includes(name));
  if (here.length > 1)
    throw new DatasetError(`${ownDataName}: ${folder}: both ${here.join(" and ")}. Keep one, or name it with --data.`);
  if (here[0] !== undefined) return { form, parts: [await filePart(join(folder, here[0]))] };
  const parts: RowPart[] = [];
  for (const name of names) {
    const inside = (await readdir(join(folder, name)).catch(() => [])).filter((each) => metadataNames.includes(each));
    if (inside.length > 1)
      throw new DatasetError(`${ownDataName}: ${join(folder, name)}: both ${inside.join(" and ")}. Keep one.`);
    if (inside[0] !== undefined) parts.push({ ...(await filePart(join(folder, name, inside[0]))), split: name });
  }
  return parts.length === 0 ? null : { form: `${form}, one for each split`, parts };
};

const flickrCaptions: Find = async (folder, names) => {
  // Flickr8k also has its captions as lemmas, in *.lemma.token.txt
  const found = names.filter((each) => each === "captions.txt" || /(?<!\.lemma)\.token(\.txt)?$/.test(each));
  const [name, other] = found;
  if (name === undefined) return null;
  if (other !== undefined) throw severalFiles(folder, found);
  return { form: "captions as Flickr8k has them", parts: [await filePart(join(folder, name))] };
};

const parquet: Find = async (folder) => {
  const mirror = await openMirror({ folder }, ownDataName);
  if (mirror === null) return null;
  const bySplit = bySplitOf(mirror.files, ({ part }) => part);
  const parts = [...bySplit].map(([split, files]) => parquetPart(split, files, folder));
  return { form: "parquet files", parts };
};

function parquetPart(split: string | null, files: readonly ParquetFile[], folder: string): RowPart {
  return { split, files, folder, read: () => readParquetRows(files) };
}

const shards: Find = (folder, names) => {
  const tars = names.filter((name) => name.endsWith(".tar"));
  if (tars.length === 0) return Promise.resolve(null);
  const bySplit = bySplitOf(tars, (name) => name);
  const parts = [...bySplit].map(([split, ofSplit]): RowPart => {
    const files = ofSplit.map((name) => fileNamed(join(folder, name)));
    return { split, files, folder, read: () => readTarRows(files) };
  });
  return Promise.resolve({ form: "tar shards", parts });
};

const tables: Find = async (folder, names) => {
  const found = names.filter((name) => tableTypes.includes(extname(name).toLowerCase()));
  if (found.length === 0) return null;
  const pair = questionsWithAnnotations(found);
  if (pair !== null) {
    const [questions, annotations] = pair.map((name) => fileNamed(join(folder, name)));
    const read = (): Promise<readonly Row[]> => readJsonRows(questions!, annotations!);
    const part: RowPart = { split: null, files: [questions!, annotations!], folder, read };
    return { form: "questions and annotations as VQA has them", parts: [part] };
  }
  const parts: RowPart[] = [];
  for (const name of found) parts.push({ ...(await filePart(join(folder, name))), split: splitOfName(name) });
  const splits = new Set(parts.map(({ split }) => split));
  if (parts.length > 1 && (splits.has(null) || splits.size < parts.length)) {
    throw severalFiles(folder, found);
  }
  return { form: parts.length === 1 ? `the file ${found[0]!}` : "a file for each split", parts };
};

const textsBeside: Find = async (folder, names) => {
  const form = "a text beside each image";
  const parts: RowPart[] = [];
  const splits = names.filter((name) => splitNames.test(name)).map((split) => ({ split, path: join(folder, split) }));
  for (const { split, path } of [{ split: null, path: folder }, ...splits]) {
    if ((await imagesWithText(path)).length === 0) continue;
    // The folder stands for its texts, see harness/catalog/data-files.ts.
    parts.push({ split, files: [fileNamed(path)], folder: path, read: () => readTextRows(path, ownDataName) });
  }
  return parts.length === 0 ? null : { form, parts };
};

function severalFiles(folder: string, names: readonly string[]): DatasetError {
  return new DatasetError(
    `${ownDataName}: ${folder}: several files could be the data: ${names.join(", ")}. Name one: --data ${join(folder, names[0]!)}`,
  );
}

/** A question file and its annotation file, by their names; null where the files are no such pair. */
function questionsWithAnnotations(names: readonly string[]): readonly [string, string] | null {
  const json = names.filter((name) => name.endsWith(".json"));
  const questions = json.find((name) => name.toLowerCase().includes("question"));
  const annotations = json.find((name) => name.toLowerCase().includes("annotation"));
  return json.length === 2 && questions !== undefined && annotations !== undefined ? [questions, annotations] : null;
}

async function filePart(path: string): Promise<RowPart> {
  const file = fileNamed(path);
  const folder = dirname(path);
  const part = (read: RowPart["read"]): RowPart => ({ split: null, files: [file], folder, read });
  const name = basename(path).toLowerCase();
  if (name === "captions.txt") return part(() => readCsvRows(file, ","));
  if (name.endsWith(".token.txt") || name.endsWith(".token")) return part(() => readTokenRows(file));
  switch (extname(name)) {
    case ".jsonl":
    case ".ndjson":
      return part(() => readJsonlRows(file));
    case ".csv":
      return part(() => readCsvRows(file, ","));
    case ".tsv":
      return part(() => readCsvRows(file, "\t"));
    case ".json":
      return part(() => readJsonRows(file, null));
    case ".tar":
      return part(() => readTarRows([file]));
    case ".parquet": {
      const opened = await openParquetFile({ ...file, name: basename(path), part: "" });
      return parquetPart(null, [opened], folder);
    }
    default:
      throw new DatasetError(
        `${ownDataName}: ${path}: found a file of type "${extname(name)}", expected .jsonl, .csv, .tsv, .json, .parquet or .tar.`,
      );
  }
}

function fileNamed(path: string): AnnotationFile {
  return { split: ownDataName, path };
}

function bySplitOf<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
): ReadonlyMap<string | null, readonly Item[]> {
  const groups = new Map<string | null, Item[]>();
  for (const item of items) {
    const split = splitOfName(nameOf(item));
    const group = groups.get(split) ?? [];
    group.push(item);
    groups.set(split, group);
  }
  return groups;
}

/** The first folder of a path, `train` of `train/0001.png`, where it is called as a split is; null where it is not. */
export function splitOfPath(path: string): string | null {
  const [first = "", ...others] = path.split("/");
  return others.length > 0 && splitOfName(first) === first ? first : null;
}

/** `val-00000-of-00002`, `test.csv` → the split; null where the name has none. */
function splitOfName(name: string): string | null {
  return splitNames.exec(name)?.[0] ?? null;
}
