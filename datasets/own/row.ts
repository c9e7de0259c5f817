/**
 * Rows of own data: what every form of file is read into before columns are taken for questions, answers or captions.
 */
import type { AnnotationFile } from "../annotation-file.ts";
import type { Columns, ColumnValue, DatasetError } from "../dataset.ts";
import { fileError } from "../annotation-file.ts";

/** The bytes of an image that lies inside a file of rows. */
export interface ImageInRow {
  /** Names the place in messages, and tells images apart: `shots.tar: 0001.jpg`. */
  readonly path: string;
  readonly read: () => Promise<Uint8Array>;
}

export interface Row {
  readonly file: AnnotationFile;
  /** Where the row stands in the file: `line 3`, `row 12`, `0001`. */
  readonly place: string;
  readonly columns: Columns;
  /** Unset: a column names the image. */
  readonly image?: ImageInRow;
}

/** Rows of one split, in the order of their files. */
export interface RowPart {
  /** null: the files name no split. */
  readonly split: string | null;
  readonly files: readonly AnnotationFile[];
  /** Folder that paths of images are relative to. */
  readonly folder: string;
  readonly read: () => Promise<readonly Row[]>;
}

/** An error about one row: file, place, what is wrong. */
export function rowError({ file, place }: Pick<Row, "file" | "place">, what: string): DatasetError {
  return fileError(file, `${place}: ${what}`);
}

/** Fields that hold the text where a list's entries are records, as in VQAv2's answers and Karpathy's sentences. */
const textFields = ["answer", "caption", "raw", "text"];

/**
 * A JSON value as a column: numbers and booleans become text, a list of them a list of text, a list of records the list
 * of their text, any other object its JSON; null where there is none.
 */
export function columnValue(value: unknown): ColumnValue | null {
  if (value === null || value === undefined) return null;
  if (!Array.isArray(value)) return scalarText(value);
  return value.map((entry: unknown) => {
    if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return scalarText(entry);
    const fields = new Map<string, unknown>(Object.entries(entry));
    const field = textFields.find((name) => typeof fields.get(name) === "string");
    return scalarText(field === undefined ? entry : fields.get(field));
  });
}

function scalarText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The columns of a record, without those that are null. */
export function columnsOf(record: Readonly<Record<string, unknown>>): Columns {
  const columns: Record<string, ColumnValue> = {};
  for (const [name, value] of Object.entries(record)) {
    const column = columnValue(value);
    if (column !== null) columns[name] = column;
  }
  return columns;
}
