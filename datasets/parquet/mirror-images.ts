/**
 * The images of a mirror: finds the row of each image and reads its bytes. A row group is decoded as a whole, so the
 * last ones stay in memory for neighbouring rows; nothing is written to disk.
 */
import { DatasetError } from "../dataset.ts";
import type { ImageFile } from "../dataset.ts";
import { numberAtEnd } from "../image-names.ts";
import type { ImageFolder } from "../images.ts";
import { fileNameField, hasField, idField } from "../record-fields.ts";
import type { Fields } from "../record-fields.ts";
import type { Mirror } from "./mirror.ts";
import { readRowGroup, readRows } from "./parquet-file.ts";
import type { ParquetFile } from "./parquet-file.ts";

/**
 * Columns that hold the file name of a row's image, the most reliable first. OK-VQA's mirror has only the question's
 * number.
 */
const nameColumns = ["image_file_name", "file_name", "filename"];
const numberColumns = ["image_id", "imageId", "img_id", "id"];
const questionColumn = "question_id";

/** Bytes of images that stay in memory: a few row groups, which have 100 to 1,000 rows in the hub's files. */
const keptBytes = 256e6;

interface Row {
  readonly file: ParquetFile;
  readonly row: number;
  /** Index of the row among all rows of the mirror. */
  readonly place: number;
}

/** Finds images by their official file names in any row. Only the columns with names are read. */
export async function mirrorImages({ folder, split, files }: Mirror): Promise<ImageFolder> {
  const rows = new Map<string, Row>();
  const withImages = files.filter(({ columns }) => columns.has("image"));
  let before = 0;
  for (const file of withImages) {
    const naming = [...nameColumns, ...numberColumns, questionColumn].find((name) => file.columns.has(name));
    if (naming === undefined) continue;
    await readRows(file, [naming], (fields, row) => {
      const key = keyOfRow(fields, naming);
      if (!rows.has(key)) rows.set(key, { file, row, place: before + row });
    });
    before += file.rows;
  }
  const kept = imageReader();
  return {
    path: folder,
    files: withImages.map(({ path }) => path),
    imageOf: (id, fileName): ImageFile => {
      const found = rows.get(keyOfName(fileName));
      if (found === undefined) {
        const error = new DatasetError(
          `${split}: image ${id} (${fileName}) is in no row of the parquet files in ${folder}.`,
        );
        return { id, path: `${folder}: ${fileName}`, read: () => Promise.reject(error) };
      }
      const { file, row, place } = found;
      return { id, path: `${file.path}, row ${row}`, place, read: () => kept.imageAt(file, row) };
    },
  };
}

/**
 * Sorts samples by the row of their image, so that the files are read once from beginning to end. Samples without a row
 * come last.
 */
export function inRowOrder<S extends { readonly image: ImageFile }>(samples: readonly S[]): readonly S[] {
  const placeOf = ({ image: { place = Infinity } }: S): number => place;
  return samples.toSorted((a, b) => (placeOf(a) === placeOf(b) ? 0 : placeOf(a) - placeOf(b)));
}

/** The key that identifies an image in official names and in rows: COCO's number, or the name without extension. */
function keyOfName(fileName: string): string {
  return isCocoName(fileName) ? String(numberAtEnd(fileName)) : fileName.replace(/\.[^.]*$/, "");
}

function isCocoName(fileName: string): boolean {
  return /^(COCO_[a-z]+\d{4}_)?\d{12}\.[A-Za-z]+$/.test(fileName);
}

function keyOfRow(fields: Fields, column: string): string {
  if (nameColumns.includes(column)) return keyOfName(fileNameField(fields, column));
  return column === questionColumn ? imageOfQuestion(idField(fields, column)) : idField(fields, column);
}

/**
 * The image id of a row of questions. In OK-VQA it is the question's number without its last digit: the questions of
 * image 51606 begin at 516060.
 */
export function imageIdOfRow(fields: Fields): string {
  return hasField(fields, "image_id") ? idField(fields, "image_id") : imageOfQuestion(idField(fields, questionColumn));
}

function imageOfQuestion(questionId: string): string {
  return questionId.slice(0, -1);
}

/** Reads images by their rows. */
export interface ImageReader {
  imageAt(file: ParquetFile, row: number): Promise<Uint8Array>;
}

export function imageReader(): ImageReader {
  return new KeptRowGroups();
}

/** The decoded row groups, the most recently used last. */
class KeptRowGroups implements ImageReader {
  readonly #groups = new Map<string, { readonly images: Promise<readonly (Uint8Array | null)[]>; sizeBytes: number }>();

  /** The bytes of an image as a copy, so that a kept image does not hold its row group in memory. */
  async imageAt(file: ParquetFile, row: number): Promise<Uint8Array> {
    const index = file.groups.findLastIndex(({ start }) => start <= row);
    const key = `${index} ${file.path}`;
    const kept = this.#groups.get(key) ?? { images: imagesOf(file, index), sizeBytes: groupBytes(file, index) };
    this.#groups.delete(key);
    this.#groups.set(key, kept);
    this.#dropOld();
    const images = await kept.images.catch((error: unknown) => {
      this.#groups.delete(key);
      throw error;
    });
    const bytes = images[row - file.groups[index]!.start] ?? null;
    if (bytes === null) throw new DatasetError(`${file.split}: ${file.path}, row ${row}: the image has no bytes.`);
    return Uint8Array.from(bytes);
  }

  #dropOld(): void {
    let sizeBytes = [...this.#groups.values()].reduce((sum, group) => sum + group.sizeBytes, 0);
    for (const [key, group] of this.#groups) {
      if (sizeBytes <= keptBytes || this.#groups.size === 1) return;
      this.#groups.delete(key);
      sizeBytes -= group.sizeBytes;
    }
  }
}

/** Size of a row group's images as stored in the file, where repeated images are stored once. */
function groupBytes({ metadata }: ParquetFile, index: number): number {
  const columns = metadata.row_groups[index]!.columns.filter(
    ({ meta_data: about }) => about?.path_in_schema[0] === "image",
  );
  return columns.reduce((sum, { meta_data: about }) => sum + Number(about?.total_uncompressed_size ?? 0), 0);
}

/** The images of a row group; each is stored as a record of bytes and path, or as bytes. */
async function imagesOf(file: ParquetFile, index: number): Promise<readonly (Uint8Array | null)[]> {
  const rows = await readRowGroup(file, index, ["image"]);
  return rows.map(({ image }) => {
    const bytes = typeof image === "object" && image !== null && "bytes" in image ? image.bytes : image;
    return bytes instanceof Uint8Array ? bytes : null;
  });
}
