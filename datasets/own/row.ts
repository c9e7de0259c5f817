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
  /** What the cells of a column are, such as `a number`, where the file tells that they are not texts; unset: texts, or lists of them. */
  readonly kinds?: Readonly<Record<string, readonly string[]>>;
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
  return value.map((entry: unknown) => scalarText(textFieldOf(entry)));
}

/** The text of a list's entry that is a record with one; the entry itself otherwise. */
function textFieldOf(entry: unknown): unknown {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return entry;
  const fields = new Map<string, unknown>(Object.entries(entry));
  const field = textFields.find((name) => typeof fields.get(name) === "string");
  return field === undefined ? entry : fields.get(field);
}

function scalarText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What a row has of a record whose values have types: its columns, and which of them are no texts. */
export function cellsOf(record: Readonly<Record<string, unknown>>): Pick<Row, "columns" | "kinds"> {
  const kinds = Object.entries(record).flatMap(([name, value]) => {
    const found = kindsOf(value);
    return found.every((kind) => kind === textKind || kind === textsKind) ? [] : [[name, found] as const];
  });
  return { columns: columnsOf(record), ...(kinds.length > 0 && { kinds: Object.fromEntries(kinds) }) };
}

/** The cells of two records as those of one row; of a column that both have, those of `above`. */
export function cellsTogether(below: Row, above: Row): Pick<Row, "columns" | "kinds"> {
  const others = Object.entries(below.kinds ?? {}).filter(([name]) => above.columns[name] === undefined);
  const kinds = { ...Object.fromEntries(others), ...above.kinds };
  return { columns: { ...below.columns, ...above.columns }, kinds };
}

const textKind = "a text";
const textsKind = "a list of texts";

/** The kinds of a column's cell in this row: several for a list of different things, none for an empty cell. */
export function kindsIn({ columns, kinds }: Row, column: string): readonly string[] {
  const value = columns[column];
  return value === undefined || isBlank(value) ? [] : (kinds?.[column] ?? kindsOf(value));
}

export function isBlank(value: ColumnValue): boolean {
  return typeof value === "string" ? value.trim() === "" : value.every(isBlank);
}

/** A list's are those of its entries, `a list of numbers`. */
function kindsOf(value: unknown): readonly string[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) return [kindOf(value).one];
  return [...new Set(value.map((entry: unknown) => `a list of ${kindOf(textFieldOf(entry)).many}`))];
}

function kindOf(value: unknown): { readonly one: string; readonly many: string } {
  switch (typeof value) {
    case "string":
      return { one: textKind, many: "texts" };
    case "number":
    case "bigint":
      return { one: "a number", many: "numbers" };
    case "boolean":
      return { one: "true or false", many: "true and false" };
    default:
      return { one: "an object", many: "objects" };
  }
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
