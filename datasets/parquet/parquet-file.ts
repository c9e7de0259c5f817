/**
 * A parquet file, as mirrors on the Hugging Face hub have them: read by columns, one row group at a time, so that no more than
 * one group's values are in memory beside what the caller keeps. Byte arrays stay bytes unless the file says that they are text.
 */
import { open } from "node:fs/promises";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import type { AsyncBuffer, Compressors, FileMetaData } from "hyparquet";
import { fileError } from "../annotation-file.ts";
import type { AnnotationFile } from "../annotation-file.ts";
import { fieldsOf, RecordError } from "../record-fields.ts";
import type { Fields } from "../record-fields.ts";

export interface ParquetFile extends AnnotationFile {
  /** Path in the data folder, with slashes. */
  readonly name: string;
  /** Of the split that the file holds, by its name. */
  readonly part: string;
  readonly columns: ReadonlySet<string>;
  readonly rows: number;
  /** Rows before each row group, and in it. */
  readonly groups: readonly { readonly start: number; readonly rows: number }[];
  readonly metadata: FileMetaData;
}

/** Snappy, which the hub's files are in, is the library's own. */
const compressors: Compressors = {
  GZIP: (input, outputLength) => gunzipSync(input, { maxOutputLength: outputLength }),
  BROTLI: (input, outputLength) => brotliDecompressSync(input, { maxOutputLength: outputLength }),
};

/** Throws a DatasetError for a file that is no parquet file, or not whole. */
export async function openParquetFile(
  file: Pick<ParquetFile, "split" | "path" | "name" | "part">,
): Promise<ParquetFile> {
  const metadata = await withBuffer(file, (buffer) => parquetMetadataAsync(buffer));
  let rows = 0;
  const groups = metadata.row_groups.map((group) => {
    const start = rows;
    rows += Number(group.num_rows);
    return { start, rows: rows - start };
  });
  const columns = metadata.row_groups[0]?.columns.flatMap(({ meta_data: about }) => about?.path_in_schema[0] ?? []);
  return { ...file, columns: new Set(columns), rows, groups, metadata };
}

/**
 * Every row, in order, with those of the columns that the file has.
 * @param reader takes one row, as it takes a JSON record, and its number from 0; throws RecordError for one that is not what the format says
 */
export async function readRows(
  file: ParquetFile,
  columns: readonly string[],
  reader: (fields: Fields, row: number) => void,
): Promise<void> {
  for (const [index, { start }] of file.groups.entries()) {
    const values = await readRowGroup(file, index, columns);
    for (const [place, value] of values.entries()) {
      try {
        reader(fieldsOf(plainValue(value)), start + place);
      } catch (cause) {
        if (!(cause instanceof RecordError)) throw cause;
        throw fileError(file, `row ${start + place}, counted from 0: ${cause.message}`);
      }
    }
  }
}

/** The values of one row group as the library gives them: a record for each row. */
export async function readRowGroup(
  file: ParquetFile,
  index: number,
  columns: readonly string[],
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { start, rows } = file.groups[index]!;
  const wanted = columns.filter((name) => file.columns.has(name));
  const { metadata } = file;
  const range = { rowStart: start, rowEnd: start + rows };
  return await withBuffer(file, (buffer) =>
    parquetReadObjects({ file: buffer, metadata, columns: wanted, ...range, utf8: false, compressors }),
  );
}

/** As a JSON file would have it: integers of 64 bits are numbers where they fit one. */
function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(plainValue);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainValue(inner)]));
}

/** Reads the file with one handle; what the library or the system says of it gets the file's name. */
async function withBuffer<T>(file: AnnotationFile, read: (buffer: AsyncBuffer) => Promise<T>): Promise<T> {
  const damaged = (cause: unknown): Error => {
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/^parquet /, "");
    return fileError(file, `cannot be read as a parquet file: ${reason}. Is it whole? Download it again.`, cause);
  };
  const handle = await open(file.path).catch((cause: unknown) => {
    throw damaged(cause);
  });
  try {
    const { size } = await handle.stat();
    const slice = async (start: number, end = size): Promise<ArrayBuffer> => {
      if (start < 0 || end > size || start > end) throw new Error(`bytes ${start} to ${end} of ${size} are asked for`);
      const bytes = new Uint8Array(end - start);
      let done = 0;
      while (done < bytes.length) {
        const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done);
        if (bytesRead === 0) throw new Error(`it ends at byte ${start + done}`);
        done += bytesRead;
      }
      return bytes.buffer;
    };
    if (size < 12) throw new Error(`it has ${size} bytes`); // the magic number twice, and a length
    return await read({ byteLength: size, slice });
  } catch (cause) {
    throw damaged(cause);
  } finally {
    await handle.close();
  }
}
