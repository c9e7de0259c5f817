/**
 * Rows of images with all their captions: mirrors of COCO's validation images and of NoCaps. Column names differ
 * between mirrors; the captions are the official ones, unedited.
 */
import { DatasetError } from "../dataset.ts";
import { numberAtEnd } from "../image-names.ts";
import { fieldError, fileNameField, hasField, idField, refuseRepeats, textsField } from "../record-fields.ts";
import type { Fields } from "../record-fields.ts";
import { filesOf, restrictedTo } from "./mirror.ts";
import type { Mirror } from "./mirror.ts";
import { readRows } from "./parquet-file.ts";

/** An image of a caption file, with every caption of it. */
export interface CaptionImage {
  readonly id: string;
  readonly fileName: string;
  /** NoCaps' domain; null where it is not known. */
  readonly domain: string | null;
  readonly captions: readonly string[];
}

const captionColumns = ["annotations_captions", "answer", "captions", "caption"];
const fileNameColumns = ["image_file_name", "file_name", "filename"];
const columns = [...captionColumns, ...fileNameColumns, "image_id"];

/** Reads the rows in order. `from`: the mirror that holds the images. */
export async function readCaptionRows(
  mirror: Mirror,
  { split, fileName: official }: { readonly split: string; readonly fileName: string },
): Promise<{ readonly images: readonly CaptionImage[]; readonly files: readonly string[]; readonly from: Mirror }> {
  const otherwise = `Put ${official} beside the parquet files: then it counts, and the rows give the images.`;
  const files = filesOf(mirror, { split, columns: ["image"], otherwise });
  const images: CaptionImage[] = [];
  const checkNew = refuseRepeats("image");
  for (const file of files) {
    await readRows(file, columns, (fields, row) => {
      const fileName = fileNameField(fields, columnOf(fields, fileNameColumns));
      // Rows of COCO have no image id, so it is taken from the file name; rows of NoCaps have one.
      const id = hasField(fields, "image_id") ? idField(fields, "image_id") : String(numberAtEnd(fileName) ?? fileName);
      checkNew(id, row);
      const column = columnOf(fields, captionColumns);
      const captions = textsField(fields, column);
      if (captions === null || captions.length === 0) throw fieldError(fields, column, "a list of captions");
      images.push({ id, fileName, domain: null, captions });
    });
  }
  if (images.length === 0) throw new DatasetError(`${mirror.split}: ${mirror.folder}: the parquet files have no row.`);
  return { images, files: files.map(({ path }) => path), from: restrictedTo(mirror, files) };
}

/** The first of these columns that the row has; where it has none, the first name, for the error message. */
export function columnOf(fields: Fields, names: readonly string[]): string {
  return names.find((name) => hasField(fields, name)) ?? names[0]!;
}
