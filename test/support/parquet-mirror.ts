/**
 * Parquet files as the hub's mirrors have them: columns as in the data sets' cards, images as a record of bytes and path, rows in
 * groups, Snappy inside. Written by hyparquet-writer, another implementation than the reader's only in part, so what pyarrow
 * writes is described by the schema here: optional fields, lists in three levels.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { SchemaElement } from "hyparquet-writer";

export type ColumnKind = "text" | "int64" | "int32" | "image" | "texts" | "answers" | "types";

export type Rows = readonly Readonly<Record<string, unknown>>[];

const text = (name: string): SchemaElement => {
  return { name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" };
};
const record = (name: string, children: readonly SchemaElement[]): SchemaElement[] => {
  return [{ name, num_children: children.length, repetition_type: "OPTIONAL" }, ...children];
};
const list = (name: string, element: readonly SchemaElement[]): SchemaElement[] => [
  { name, converted_type: "LIST", num_children: 1, repetition_type: "OPTIONAL" },
  { name: "list", num_children: 1, repetition_type: "REPEATED" },
  ...element,
];

const schemas: Readonly<Record<ColumnKind, (name: string) => SchemaElement[]>> = {
  text: (name) => [text(name)],
  int64: (name) => [{ name, type: "INT64", repetition_type: "OPTIONAL" }],
  int32: (name) => [{ name, type: "INT32", repetition_type: "OPTIONAL" }],
  image: (name) => record(name, [{ name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" }, text("path")]),
  texts: (name) => list(name, [text("element")]),
  answers: (name) =>
    list(
      name,
      record("element", [
        text("answer"),
        text("answer_confidence"),
        { name: "answer_id", type: "INT64", repetition_type: "OPTIONAL" },
      ]),
    ),
  types: (name) => record(name, [text("structural"), text("semantic"), text("detailed")]),
};

/** The bytes of a parquet file with these columns of these rows. */
export function parquetBytes(
  columns: Readonly<Record<string, ColumnKind>>,
  rows: Rows,
  { rowGroupSize = 100 }: { readonly rowGroupSize?: number } = {},
): Uint8Array {
  const names = Object.entries(columns);
  const schema: SchemaElement[] = [
    { name: "schema", num_children: names.length },
    ...names.flatMap(([name, kind]) => schemas[kind](name)),
  ];
  const columnData = names.map(([name]) => ({ name, data: rows.map((row) => row[name] ?? null) }));
  return new Uint8Array(parquetWriteBuffer({ columnData, schema, rowGroupSize }));
}

/** Rows in so many files, named as the hub names them: data/validation-00000-of-00003.parquet. */
export function writeMirror(
  folder: string,
  { name, columns, rows, files = 1, rowGroupSize = 100 }: MirrorFiles,
): readonly string[] {
  const perFile = Math.ceil(rows.length / files);
  const five = (number: number): string => String(number).padStart(5, "0");
  return Array.from({ length: files }, (_, index) => {
    const path = join(folder, `${name}-${five(index)}-of-${five(files)}.parquet`);
    mkdirSync(dirname(path), { recursive: true });
    const own = rows.slice(index * perFile, (index + 1) * perFile);
    writeFileSync(path, parquetBytes(columns, own, { rowGroupSize }));
    return path;
  });
}

export interface MirrorFiles {
  /** With the folder, without number and extension: `data/validation`. */
  readonly name: string;
  readonly columns: Readonly<Record<string, ColumnKind>>;
  readonly rows: Rows;
  readonly files?: number;
  readonly rowGroupSize?: number;
}

/** An image column's value, read from disk. */
export function imageValue(path: string): { readonly bytes: Uint8Array; readonly path: string | null } {
  return { bytes: readFileSync(path), path: null };
}
