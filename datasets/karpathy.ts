/**
 * Karpathy's split files, dataset_coco.json and dataset_flickr30k.json (Karpathy & Fei-Fei 2015, arXiv 1412.2306):
 * images in one list, each with the name of its split and its sentences. The field `raw` of the sentences is used,
 * unedited.
 */
import { dirname } from "node:path";
import { fileError, findAnnotationFile, splitNamed } from "./annotation-file.ts";
import type { AnnotationFile } from "./annotation-file.ts";
import type { DataSource, ImageFile, Sample, Split } from "./dataset.ts";
import { numberAtEnd } from "./image-names.ts";
import { chooseImageFolder } from "./images.ts";
import type { ImageFolder } from "./images.ts";
import { readJsonLists } from "./json-records.ts";
import { inRowOrder } from "./parquet/mirror-images.ts";
import { areBeside, openMirror } from "./parquet/mirror.ts";
import { readSplitRows } from "./parquet/split-rows.ts";
import { fieldError, fieldsOf, fileNameField, idField, integerField, listField } from "./record-fields.ts";
import { optionalField, RecordError, refuseRepeats, stringField } from "./record-fields.ts";
import type { Fields } from "./record-fields.ts";

export interface KarpathyImage {
  /** COCO: the number at the end of the file name, which is the id for scoring. Flickr30k: the file name's stem. */
  readonly id: string;
  readonly fileName: string;
  /** Folder of the official archive, such as val2014. */
  readonly folder: string;
  readonly sentences: readonly { readonly id: string; readonly text: string }[];
}

/** One of the two files, and how its images become samples. */
export interface KarpathyFile<S extends Sample> {
  readonly dataset: string;
  readonly fileName: string;
  /** For each split, the values of the file's field `split` that belong to it. */
  readonly splits: Readonly<Record<string, readonly string[]>>;
  readonly ids: "number at the end" | "stem";
  /** Folder of images whose record has no `filepath`. */
  readonly folder: string;
  readonly sample: (image: KarpathyImage, file: ImageFile) => S;
  /** Makes the advice in the error for a missing file, from the files that are there. */
  readonly otherwise?: (present: readonly string[]) => string;
}

/**
 * Splits by the values of the field `split`; `restval` are the COCO validation images that Karpathy added to training.
 */
export const FLICKR30K_SPLITS = { test: ["test"], val: ["val"], train: ["train"] };
export const COCO_SPLITS = { test: ["test"], val: ["val"], train: ["train", "restval"] };

/**
 * Opens a split; images come in the order of the file. All records of the file are checked, including those of other
 * splits.
 */
export async function openKarpathySplit<S extends Sample>(
  source: DataSource,
  splitName: string,
  format: KarpathyFile<S>,
): Promise<Split<S>> {
  const wanted = splitNamed(format.dataset, format.splits, splitName);
  const split = `${format.dataset} ${splitName}`;
  const mirror = await openMirror(source, split);
  const isMirror = mirror !== null && !(await areBeside(source, [format.fileName]));
  const { images, files, from } = isMirror
    ? await readSplitRows(mirror, { wanted, ...format, read: (fields) => readImage(fields, format) })
    : { ...(await readOfficial(source, split, { wanted, format })), from: mirror };

  // One folder or, for COCO's training images, train2014 and val2014 beside each other.
  const folders = new Map<string, ImageFolder>();
  for (const subfolder of new Set(images.map(({ folder }) => folder))) {
    const fileNames = images.filter(({ folder }) => folder === subfolder).map(({ fileName }) => fileName);
    const [first] = folders.values();
    // a mirror holds all images in one folder
    const known = first !== undefined && first.files.length > 0 ? first : null;
    folders.set(subfolder, known ?? (await chooseImageFolder(source, split, { subfolder, fileNames, mirror: from })));
  }
  const [first = "", ...others] = new Set(Array.from(folders.values(), ({ path }) => path));
  const samples = images.map((image) => {
    return format.sample(image, folders.get(image.folder)!.imageOf(image.id, image.fileName));
  });
  return {
    name: splitName,
    samples: isMirror ? samples : inRowOrder(samples),
    files: [...new Set([...files, ...[...folders.values()].flatMap((folder) => folder.files)])],
    imageFolder: others.length === 0 ? first : dirname(first),
  };
}

async function readOfficial<S extends Sample>(
  source: DataSource,
  split: string,
  { wanted, format }: { readonly wanted: readonly string[]; readonly format: KarpathyFile<S> },
): Promise<{ readonly images: readonly KarpathyImage[]; readonly files: readonly string[] }> {
  const file = await findAnnotationFile(source, split, { name: format.fileName, ...format });
  return { images: await readImages(file, wanted, format), files: [file.path] };
}

async function readImages<S extends Sample>(
  file: AnnotationFile,
  wanted: readonly string[],
  format: KarpathyFile<S>,
): Promise<readonly KarpathyImage[]> {
  const images: KarpathyImage[] = [];
  const imagesOfSplit = new Map<string, number>();
  const checkNewImage = refuseRepeats("image");
  const checkNewSentence = refuseRepeats("sentid");
  await readJsonLists(file, {
    images: ({ value, number }) => {
      const fields = fieldsOf(value);
      const split = stringField(fields, "split");
      const image = readImage(fields, format);
      checkNewImage(image.id, number);
      for (const { id } of image.sentences) checkNewSentence(id, number);
      imagesOfSplit.set(split, (imagesOfSplit.get(split) ?? 0) + 1);
      if (wanted.includes(split)) images.push(image);
    },
  });
  if (images.length === 0) {
    const there = Array.from(imagesOfSplit, ([name, count]) => `${name} (${count})`).join(", ");
    const names = wanted.map((name) => `"${name}"`).join(" or ");
    throw fileError(file, `has no image of split ${names}. Its splits: ${there === "" ? "none" : there}.`);
  }
  return images;
}

function readImage<S extends Sample>(fields: Fields, { ids, folder }: KarpathyFile<S>): KarpathyImage {
  const fileName = fileNameField(fields, "filename");
  const sentences = listField(fields, "sentences");
  if (sentences.length === 0) throw new RecordError(`sentences of ${fileName} is empty, expected at least one`);
  const id = ids === "stem" ? fileName.replace(/\.[^.]*$/, "") : idAtEnd(fields, fileName);
  return {
    id,
    fileName,
    folder: optionalField(fields, "filepath", fileNameField) ?? folder,
    sentences: sentences.map((sentence, place) => ({
      id: optionalField(sentence, "sentid", idField) ?? `${id}#${place}`, // the numbering of Flickr30k's own token file
      text: stringField(sentence, "raw"),
    })),
  };
}

function idAtEnd(fields: Fields, fileName: string): string {
  const id = numberAtEnd(fileName);
  if (id === null) throw fieldError(fields, "filename", "a name that ends in the image's number");
  if ((optionalField(fields, "cocoid", integerField) ?? id) !== id) {
    throw fieldError(fields, "cocoid", `${id} as in the file name ${fileName}`);
  }
  return String(id);
}
