/**
 * COCO-style captions: COCO (Chen et al. 2015, arXiv 1504.00325) in Karpathy's splits or as the official val2014 file, and
 * NoCaps (Agrawal et al. 2019, arXiv 1812.08658). A sample is an image, its references are all of its captions, unedited.
 */
import { countOf, fileError, findAnnotationFile, splitNamed } from "./annotation-file.ts";
import type { AnnotationFile } from "./annotation-file.ts";
import type { CaptionSample, Dataset, DataSource, Split } from "./dataset.ts";
import { numberAtEnd } from "./image-names.ts";
import { chooseImageFolder } from "./images.ts";
import { readJsonLists } from "./json-records.ts";
import { COCO_SPLITS, openKarpathySplit } from "./karpathy.ts";
import type { KarpathyFile } from "./karpathy.ts";
import { readCaptionRows } from "./parquet/caption-rows.ts";
import type { CaptionImage } from "./parquet/caption-rows.ts";
import { inRowOrder } from "./parquet/mirror-images.ts";
import { areBeside, openMirror } from "./parquet/mirror.ts";
import { fieldError, fieldsOf, fileNameField, integerField, optionalField } from "./record-fields.ts";
import { refuseRepeats, stringField } from "./record-fields.ts";
import type { Fields } from "./record-fields.ts";

/** A file in COCO's caption format: `images` and `annotations`, joined by image id. */
interface CaptionFile {
  readonly dataset: string;
  readonly split: string;
  readonly fileName: string;
  /** Folder into which the official archive unpacks the images. */
  readonly folder: string;
  /** What rows of mirrors lack, in a sentence; "": nothing. */
  readonly rowsLack: string;
  /**
   * The domain of an image of NoCaps; null for other data sets. Throws a RecordError where a required field is wrong.
   */
  readonly domainOf: (image: Fields) => string | null;
}

const DOMAINS = ["in-domain", "near-domain", "out-domain"];

const COCO_KARPATHY: KarpathyFile<CaptionSample> = {
  dataset: "coco-captions",
  fileName: "dataset_coco.json",
  splits: COCO_SPLITS,
  ids: "number at the end",
  folder: "val2014",
  sample: ({ id, sentences }, image) => ({ id, image, references: sentences.map(({ text }) => text) }),
  otherwise: (present) => {
    return present.includes(COCO_VAL2014.fileName) ? `${COCO_VAL2014.fileName} is read with --split val2014.` : "";
  },
};

const COCO_VAL2014: CaptionFile = {
  dataset: "coco-captions",
  split: "val2014",
  fileName: "captions_val2014.json",
  folder: "val2014",
  rowsLack: "",
  domainOf: (image) => {
    const id = integerField(image, "id");
    if (numberAtEnd(fileNameField(image, "file_name")) === id) return null;
    throw fieldError(image, "file_name", `a name that ends in the image's id, ${id}`);
  },
};

const NOCAPS_VAL: CaptionFile = {
  dataset: "nocaps",
  split: "val",
  fileName: "nocaps_val_4500_captions.json",
  folder: "val",
  rowsLack:
    "the rows have no domain, so there are no scores by domain; put nocaps_val_4500_captions.json beside the parquet files for them.",
  domainOf: (image) => {
    const domain = optionalField(image, "domain", stringField);
    if (domain !== null && !DOMAINS.includes(domain)) throw fieldError(image, "domain", `one of ${DOMAINS.join(", ")}`);
    return domain;
  },
};

type OpenSplit = (source: DataSource) => Promise<Split<CaptionSample>>;

const COCO_OPEN: Readonly<Record<string, OpenSplit>> = {
  test: (source) => openKarpathySplit(source, "test", COCO_KARPATHY),
  val: (source) => openKarpathySplit(source, "val", COCO_KARPATHY),
  train: (source) => openKarpathySplit(source, "train", COCO_KARPATHY),
  val2014: (source) => openCaptionFile(source, COCO_VAL2014),
};
const NOCAPS_OPEN: Readonly<Record<string, OpenSplit>> = { val: (source) => openCaptionFile(source, NOCAPS_VAL) };

export const cocoCaptions: Dataset<CaptionSample> = {
  name: "coco-captions",
  splits: Object.keys(COCO_OPEN),
  splitsInRows: Object.keys(COCO_SPLITS),
  open: async (source, split) => await splitNamed("coco-captions", COCO_OPEN, split)(source),
};

export const nocapsCaptions: Dataset<CaptionSample> = {
  name: "nocaps",
  splits: Object.keys(NOCAPS_OPEN),
  open: async (source, split) => await splitNamed("nocaps", NOCAPS_OPEN, split)(source),
};

async function openCaptionFile(source: DataSource, format: CaptionFile): Promise<Split<CaptionSample>> {
  const split = `${format.dataset} ${format.split}`;
  const mirror = await openMirror(source, split);
  const isMirror = mirror !== null && !(await areBeside(source, [format.fileName]));
  const read = isMirror
    ? await readCaptionRows(mirror, format)
    : { ...(await readOfficial(source, split, format)), from: mirror };
  const fileNames = read.images.map(({ fileName }) => fileName);
  const folder = await chooseImageFolder(source, split, { subfolder: format.folder, fileNames, mirror: read.from });
  const samples = read.images.map(({ id, fileName, domain, captions }): CaptionSample => ({
    id,
    image: folder.imageOf(id, fileName),
    references: captions,
    ...(domain === null ? {} : { domain }),
  }));
  return {
    name: format.split,
    samples: isMirror ? samples : inRowOrder(samples),
    files: [...new Set([...read.files, ...folder.files])],
    imageFolder: folder.path,
    ...(isMirror && format.rowsLack !== "" && { notes: [`${split}: ${format.rowsLack}`] }),
  };
}

async function readOfficial(
  source: DataSource,
  split: string,
  format: CaptionFile,
): Promise<{ readonly images: readonly CaptionImage[]; readonly files: readonly string[] }> {
  const file = await findAnnotationFile(source, split, { name: format.fileName });
  return { images: await readCaptionImages(file, format), files: [file.path] };
}

/**
 * Images in the order of the file, each with its captions in the order of the file. Either list may come first in it.
 */
async function readCaptionImages(file: AnnotationFile, format: CaptionFile): Promise<readonly CaptionImage[]> {
  const images = new Map<string, CaptionImage>();
  const captionsOf = new Map<string, string[]>();
  const checkNewImage = refuseRepeats("image");
  const checkNewCaption = refuseRepeats("caption");
  await readJsonLists(file, {
    images: ({ value, number }) => {
      const fields = fieldsOf(value);
      const id = String(integerField(fields, "id"));
      checkNewImage(id, number);
      const captions = captionsOf.get(id) ?? [];
      captionsOf.set(id, captions);
      images.set(id, { id, fileName: fileNameField(fields, "file_name"), domain: format.domainOf(fields), captions });
    },
    annotations: ({ value, number }) => {
      const fields = fieldsOf(value);
      const id = optionalField(fields, "id", integerField);
      if (id !== null) checkNewCaption(String(id), number);
      const imageId = String(integerField(fields, "image_id"));
      const captions = captionsOf.get(imageId) ?? [];
      captionsOf.set(imageId, captions);
      captions.push(stringField(fields, "caption"));
    },
  });

  const withoutCaption = Array.from(images.values()).filter(({ captions }) => captions.length === 0);
  const withoutImage = Array.from(captionsOf.keys()).filter((id) => !images.has(id));
  if (images.size === 0) throw fileError(file, 'the list "images" is empty.');
  if (withoutCaption.length + withoutImage.length > 0) {
    throw fileError(
      file,
      `images without caption: ${countOf(withoutCaption.map(({ id }) => id))}; ` +
        `captions of images that are not listed: ${countOf(withoutImage)}. Is the file whole?`,
    );
  }
  return Array.from(images.values());
}
