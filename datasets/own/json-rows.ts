/**
 * Rows of JSON: a record a line (JSONL), a list of records, and the files that COCO, VQA and Karpathy's splits are
 * written as. In these the pieces of a row are joined by their ids.
 *
 *   { images: [{ id, file_name }], annotations: [{ image_id, caption }] }       COCO
 *   { questions: [{ question_id, image_id, question }] }                        VQA, with annotations in a file of their own
 *   { images: [{ filename, split, sentences: [{ raw }] }] }                     Karpathy's splits
 */
import { fileError } from "../annotation-file.ts";
import type { AnnotationFile } from "../annotation-file.ts";
import { readJsonEntries, readJsonListsThere } from "../json-records.ts";
import type { RecordReader } from "../json-records.ts";
import { fieldsOf, idField, RecordError } from "../record-fields.ts";
import type { JsonObject } from "../record-fields.ts";
import { parseJsonValue } from "../json-scanner.ts";
import { readText } from "./csv-rows.ts";
import { cellsOf, cellsTogether } from "./row.ts";
import type { Row } from "./row.ts";

export async function readJsonlRows(file: AnnotationFile): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [index, line] of (await readText(file)).split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      rows.push({ file, place: `line ${index + 1}`, ...cellsOf(recordOf(parseJsonValue(line))) });
    } catch (cause) {
      throw fileError(file, `line ${index + 1}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
    }
  }
  return rows;
}

function recordOf(value: unknown): JsonObject {
  return fieldsOf(value).object;
}

/** Lists at the top level that rows are made of. */
const listNames = ["images", "annotations", "questions"] as const;
type Lists = Readonly<Record<(typeof listNames)[number], readonly Row[] | null>>;

/**
 * @param annotations the other file of a pair, as VQA has them
 * @throws DatasetError for a file that has no such list, or whose pieces do not fit together
 */
export async function readJsonRows(file: AnnotationFile, annotations: AnnotationFile | null): Promise<readonly Row[]> {
  const lists = await readLists(file);
  if (lists === null) return await readListRows(file);
  const others = annotations === null ? lists : ((await readLists(annotations)) ?? lists);
  if (lists.questions !== null) return joined(lists.questions, others.annotations ?? [], "question_id");
  if (lists.images === null) {
    throw fileError(file, 'has no list "images" or "questions", and is no list of records. Is it the right file?');
  }
  if (lists.annotations === null) return lists.images.map(karpathyRow);
  return cocoRows(lists.images, lists.annotations);
}

async function readListRows(file: AnnotationFile): Promise<readonly Row[]> {
  const rows: Row[] = [];
  await readJsonEntries(file, (record) => rows.push(rowOf(file, record)));
  return rows;
}

/** null where the file is a list. */
async function readLists(file: AnnotationFile): Promise<Lists | null> {
  const found = new Map<string, Row[]>();
  const readers: Record<string, RecordReader> = {};
  for (const name of listNames) {
    readers[name] = (record) => {
      const rows = found.get(name) ?? [];
      rows.push(rowOf(file, record));
      found.set(name, rows);
    };
  }
  if (!(await readJsonListsThere(file, readers))) return null;
  const listOf = (name: string): readonly Row[] | null => found.get(name) ?? null;
  return { images: listOf("images"), annotations: listOf("annotations"), questions: listOf("questions") };
}

function rowOf(file: AnnotationFile, { value, number }: Parameters<RecordReader>[0]): Row {
  return { file, place: `record ${number}`, ...cellsOf(recordOf(value)) };
}

/** Rows with the columns of the record that has their id; a row without one, or a record without a row, is an error. */
function joined(rows: readonly Row[], records: readonly Row[], key: string): readonly Row[] {
  const byId = new Map(records.map((record) => [idOf(record, key), record]));
  if (byId.size === 0) return rows;
  const ids = new Set(rows.map((row) => idOf(row, key)));
  const foreign = records.find((record) => !ids.has(idOf(record, key)));
  if (foreign !== undefined) {
    throw fileError(foreign.file, `${foreign.place}: ${key} ${idOf(foreign, key)} is annotated, and asked nowhere.`);
  }
  return rows.map((row) => {
    const record = byId.get(idOf(row, key));
    if (record === undefined) throw fileError(row.file, `${row.place}: ${key} ${idOf(row, key)} has no annotation.`);
    return { ...row, ...cellsTogether(record, row) };
  });
}

/** In the order of the images, each with its annotations in theirs; images alone where the file has no annotation. */
function cocoRows(images: readonly Row[], annotations: readonly Row[]): readonly Row[] {
  const ofImage = new Map<string, Row[]>(images.map((image) => [idOf(image, "id"), []]));
  for (const row of annotations) {
    const own = ofImage.get(idOf(row, "image_id"));
    if (own === undefined)
      throw fileError(row.file, `${row.place}: image_id ${idOf(row, "image_id")} is no image of the file.`);
    own.push(row);
  }
  if (annotations.length === 0) return images;
  return images.flatMap((image) => {
    const own = ofImage.get(idOf(image, "id"))!;
    if (own.length === 0) throw fileError(image.file, `${image.place}: image ${idOf(image, "id")} has no annotation.`);
    return own.map((row) => ({ ...row, ...cellsTogether(image, row) })); // the annotation's id counts
  });
}

function karpathyRow(row: Row): Row {
  const { filename, sentences, ...rest } = row.columns;
  if (filename === undefined || sentences === undefined) {
    throw fileError(
      row.file,
      `${row.place}: has no "filename" and "sentences", and the file has no list "annotations".`,
    );
  }
  const { filepath, ...others } = rest;
  const folder = typeof filepath === "string" && filepath !== "" ? `${filepath}/` : "";
  return { ...row, columns: { ...others, file_name: `${folder}${String(filename)}`, captions: sentences } };
}

function idOf({ file, place, columns }: Row, key: string): string {
  try {
    return idField(fieldsOf(columns), key);
  } catch (cause) {
    if (!(cause instanceof RecordError)) throw cause;
    throw fileError(file, `${place}: ${cause.message}`);
  }
}
