/**
 * Reads a parquet file column by column, one row group at a time, so that at most one group is in memory, besides what
 * the caller keeps. Byte arrays stay bytes unless the schema says that they are text.
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
  /** The split that the file holds, according to its name. */
  readonly part: string;
  readonly columns: ReadonlySet<string>;
  readonly rows: number;
  /** For each row group: the index of its first row, and its number of rows. */
  readonly groups: readonly { readonly start: number; readonly rows: number }[];
  readonly metadata: FileMetaData;
}

/** Decompressors beyond Snappy, which the hub's files use and the library has built in. */
const usualCompressors: Compressors = {
  GZIP: (input, outputLength) => gunzipSync(input, { maxOutputLength: outputLength }),
  BROTLI: (input, outputLength) => brotliDecompressSync(input, { maxOutputLength: outputLength }),
};

/** The decompressors that a file needs. Those of zstd and LZ4, which few files use, are loaded for them only. */
async function compressorsFor({ row_groups: groups }: FileMetaData): Promise<Compressors> {
  const codecs = groups.flatMap(({ columns }) => columns.map(({ meta_data: about }) => about?.codec));
  if (!codecs.some((codec) => codec === "ZSTD" || codec === "LZ4" || codec === "LZ4_RAW")) return usualCompressors;
  const { decompressLz4, decompressLz4Raw, decompressZstd } = await import("hyparquet-compressors");
  return {
    ...usualCompressors,
    ZSTD: (input) => decompressZstd(input),
    LZ4: decompressLz4,
    LZ4_RAW: decompressLz4Raw,
  };
}

/** Throws a DatasetError for a file that is not parquet, or is incomplete. */
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
 * Reads all rows in order, with the requested columns that the file has.
 * @param reader is given a row as a record, like a JSON record, and its index from 0; throws a RecordError for an
 * invalid one
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

/** The rows of one row group as records with the library's value types. */
export async function readRowGroup(
  file: ParquetFile,
  index: number,
  columns: readonly string[],
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { start, rows } = file.groups[index]!;
  const wanted = columns.filter((name) => file.columns.has(name));
  const { metadata } = file;
  const range = { rowStart: start, rowEnd: start + rows };
  const compressors = await compressorsFor(metadata);
  return await withBuffer(file, (buffer) =>
    parquetReadObjects({ file: buffer, metadata, columns: wanted, ...range, utf8: false, compressors }),
  );
}

/** A value as JSON would hold it: 64-bit integers become numbers if they are exact. */
function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(plainValue);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainValue(inner)]));
}

/** Opens the file and reads it. Errors of the library and the system become DatasetErrors that name the file. */
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
    if (size < 12) throw new Error(`it has ${size} bytes`); // two magic numbers and a length field
    return await read({ byteLength: size, slice });
  } catch (cause) {
    throw damaged(cause);
  } finally {
    await handle.close();
  }
}
