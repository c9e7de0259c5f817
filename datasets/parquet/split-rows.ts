/**
 * Rows of images with their texts and the name of Karpathy's split in a column `split`: some mirrors of Flickr30k and
 * COCO. Without that column the rows do not tell which images are test images: then Karpathy's own file must be in the
 * folder.
 */
import { DatasetError } from "../dataset.ts";
import { hasField, RecordError, refuseRepeats, stringField, textsField } from "../record-fields.ts";
import { fieldError, fieldsOf } from "../record-fields.ts";
import type { Fields } from "../record-fields.ts";
import { columnOf } from "./caption-rows.ts";
import type { Mirror } from "./mirror.ts";
import { readRows } from "./parquet-file.ts";

const captionColumns = ["caption", "captions", "sentences_raw", "original_alt_text", "alt_text"];
const sentenceIdColumns = ["sentids", "sentences_sentid"];

export interface SplitRows<Image> {
  /** Values of the column `split` that belong to the split. */
  readonly wanted: readonly string[];
  /** Name of Karpathy's own file, for the error message. */
  readonly fileName: string;
  /** Reads an image from a record with the fields of Karpathy's file. */
  readonly read: (record: Fields) => Image;
}

/** The images of the split, in the order of the rows. `from`: the mirror that holds them. */
export async function readSplitRows<Image extends { readonly id: string }>(
  mirror: Mirror,
  { wanted, fileName, read }: SplitRows<Image>,
): Promise<{ readonly images: readonly Image[]; readonly files: readonly string[]; readonly from: Mirror }> {
  const advice = `Put ${fileName} beside the parquet files: then it counts, and the rows give the images.`;
  const files = mirror.files.filter(({ columns }) => columns.has("split") && columns.has("filename"));
  if (files.length === 0) {
    const columns = [...new Set(mirror.files.flatMap((file) => [...file.columns]))].join(", ");
    throw new DatasetError(
      `${mirror.split}: ${mirror.folder}: the parquet files have no columns split and filename, so nothing says which images ` +
        `are Karpathy's; columns there: ${columns}. ${advice}`,
    );
  }
  const images: Image[] = [];
  const splits = new Map<string, number>();
  const checkNew = refuseRepeats("image");
  for (const file of files) {
    const columns = ["split", "filename", "filepath", "cocoid", ...captionColumns, ...sentenceIdColumns];
    await readRows(file, columns, (fields, row) => {
      const split = stringField(fields, "split");
      splits.set(split, (splits.get(split) ?? 0) + 1);
      if (!wanted.includes(split)) return;
      const image = read(recordOf(fields));
      checkNew(image.id, row);
      images.push(image);
    });
  }
  if (images.length === 0) {
    const there = Array.from(splits, ([name, count]) => `${name} (${count})`).join(", ");
    throw new DatasetError(
      `${mirror.split}: ${mirror.folder}: no row of split ${wanted.map((name) => `"${name}"`).join(" or ")}; splits there: ${there}. ${advice}`,
    );
  }
  return { images, files: files.map(({ path }) => path), from: mirror };
}

/** A row with the field names of Karpathy's file. */
function recordOf(fields: Fields): Fields {
  const captions = columnOf(fields, captionColumns);
  const texts = textsField(fields, captions);
  if (texts === null) throw fieldError(fields, captions, "a list of captions");
  const column = columnOf(fields, sentenceIdColumns);
  const ids: unknown = hasField(fields, column) ? fields.object[column] : null;
  const numbers: readonly unknown[] | null = Array.isArray(ids) ? ids : null;
  if (numbers?.length !== texts.length && ids !== null) {
    throw new RecordError(`${column} and ${captions} are not lists of one length`);
  }
  const sentences = texts.map((raw, place) => ({ raw, sentid: numbers?.[place] ?? null }));
  return fieldsOf({ ...fields.object, sentences });
}
