/** Rows of parquet files whose columns are a user's own. The image column holds bytes, as the hub's files do. */
import { imageReader } from "../parquet/mirror-images.ts";
import { readRows } from "../parquet/parquet-file.ts";
import type { ParquetFile } from "../parquet/parquet-file.ts";
import { columnsOf } from "./row.ts";
import type { Row } from "./row.ts";

const imageColumn = "image";

export async function readParquetRows(files: readonly ParquetFile[]): Promise<readonly Row[]> {
  const images = imageReader();
  const rows: Row[] = [];
  for (const file of files) {
    const columns = [...file.columns].filter((name) => name !== imageColumn);
    await readRows(file, columns, ({ object }, row) => {
      const place = `row ${row}`;
      const read = (): Promise<Uint8Array> => images.imageAt(file, row);
      const image = { path: `${file.path}, row ${row}`, read };
      rows.push({ file, place, columns: columnsOf(object), ...(file.columns.has(imageColumn) && { image }) });
    });
  }
  return rows;
}
