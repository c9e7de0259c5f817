/**
 * Rows of parquet files whose columns are a user's own. The column `image` holds bytes, as the hub's files do, or the paths of
 * files beside. Bytes in other columns are left out.
 */
import { imageReader } from "../parquet/mirror-images.ts";
import { readRows } from "../parquet/parquet-file.ts";
import type { ParquetFile } from "../parquet/parquet-file.ts";
import { cellsOf } from "./row.ts";
import type { Row } from "./row.ts";

const imageColumn = "image";

export async function readParquetRows(files: readonly ParquetFile[]): Promise<readonly Row[]> {
  const images = imageReader();
  const rows: Row[] = [];
  for (const file of files) {
    const holdsImages = file.columns.has(imageColumn) && !isText(file, imageColumn);
    const columns = [...file.columns].filter((name) => !holdsImages || name !== imageColumn);
    await readRows(file, columns, ({ object }, row) => {
      const place = `row ${row}`;
      const read = (): Promise<Uint8Array> => images.imageAt(file, row);
      const image = { path: `${file.path}, row ${row}`, read };
      const withoutBytes = Object.fromEntries(Object.entries(object).filter(([, value]) => !isBytes(value)));
      rows.push({ file, place, ...cellsOf(withoutBytes), ...(holdsImages && { image }) });
    });
  }
  return rows;
}

function isText({ metadata }: ParquetFile, column: string): boolean {
  const element = metadata.schema.find(({ name }) => name === column);
  return element?.converted_type === "UTF8" || element?.logical_type?.type === "STRING";
}

/** Bytes, or a record of bytes and a path, as the hub's files have images. */
function isBytes(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return value instanceof Uint8Array || ("bytes" in value && value.bytes instanceof Uint8Array);
}
