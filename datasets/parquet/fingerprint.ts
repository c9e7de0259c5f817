/**
 * The fingerprint of a parquet file in the record of a run: SHA-256 over its footer and all columns except the images.
 * The footer holds the schema, the number of rows and the size of every image column, so gigabytes of images need not
 * be read; official image files are not in a run's fingerprint either.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { openParquetFile } from "./parquet-file.ts";

/** The fingerprint, hexadecimal. Throws a DatasetError for an incomplete file. */
export async function parquetFingerprint(path: string): Promise<string> {
  const { metadata } = await openParquetFile({ split: "data", path, name: path, part: "" });
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const hash = createHash("sha256");
    const add = async (start: number, length: number): Promise<void> => {
      const bytes = Buffer.alloc(length);
      await handle.read(bytes, 0, length, start);
      hash.update(bytes);
    };
    for (const { columns } of metadata.row_groups) {
      for (const { meta_data: about } of columns) {
        if (about === undefined || about.path_in_schema[0] === "image") continue;
        const start = about.dictionary_page_offset ?? about.data_page_offset;
        await add(Number(start), Number(about.total_compressed_size));
      }
    }
    const footer = metadata.metadata_length + 8; // the footer plus its length field and the magic number
    await add(size - footer, footer);
    return hash.digest("hex");
  } finally {
    await handle.close();
  }
}
