/**
 * What was asked: the words every data set here is described in. A data set is a pair of official files and a folder of
 * images; opening a split of it gives its samples in the order of the file, which is the order of every run and report.
 */

/** An image by its official id; its file is looked for when it is needed, so a missing one fails its own samples only. */
export interface ImageFile {
  readonly id: string;
  /** Path of the image file as the official naming has it, under the folder that was chosen when the split was opened. */
  readonly path: string;
  /** Gives the bytes of an image in a row of a parquet file, which `path` names for messages; unset: the file at `path` has them. */
  readonly read?: () => Promise<Uint8Array>;
  /** The place of that row among all rows, from 0. */
  readonly place?: number;
}

export interface Sample {
  readonly id: string;
  readonly image: ImageFile;
}

/** One annotator's answer. The official scorer tells annotators apart by the whole record, so all of it is kept. */
export interface Annotation {
  readonly answer: string;
  /** "yes", "maybe" or "no"; "" where the file has none. */
  readonly confidence: string;
  /** The annotator's number, or the place in the list, from 1. */
  readonly id: number;
}

export interface VqaSample extends Sample {
  readonly question: string;
  /** "" where the file has none. */
  readonly questionType: string;
  readonly answerType: string;
  /** Ten for VQAv2 and OK-VQA, one for GQA, none for a split whose answers are private. */
  readonly references: readonly Annotation[];
}

export interface CaptionSample extends Sample {
  readonly references: readonly string[];
  /** NoCaps only: in-domain, near-domain, out-domain. */
  readonly domain?: string;
}

/** An image with every text that describes it; a split's texts in order are the gallery of image-to-text retrieval. */
export interface RetrievalSample extends Sample {
  readonly texts: readonly { readonly id: string; readonly text: string }[];
}

/** Where a user keeps the files. Nothing is guessed beyond the official names. */
export interface DataSource {
  /** Folder that holds the official annotation files. */
  readonly folder: string;
  /** Folder that holds the images, when they are not where the official archives put them. */
  readonly images?: string;
}

export interface Split<S extends Sample> {
  readonly name: string;
  readonly samples: readonly S[];
  /** The files the samples were read from, for the record's fingerprint. */
  readonly files: readonly string[];
  /** Folder the images are looked for in. */
  readonly imageFolder: string;
  /** What a user should know of what the files lack, each a sentence; unset: nothing. */
  readonly notes?: readonly string[];
}

export interface Dataset<S extends Sample> {
  readonly name: string;
  /** The first is the one that is read when none is named. */
  readonly splits: readonly string[];
  readonly open: (source: DataSource, split: string) => Promise<Split<S>>;
}

/** What a user can mend: a file that is missing, broken or at odds with another. Says what, where and what to do. */
export class DatasetError extends Error {
  override readonly name = "DatasetError";
}

/** An official file, or the folder of images, is not in the data folder. */
export class MissingDataError extends DatasetError {}

/** The samples a run asks: the first of the split. `limit`: a number from 1, a fraction below 1 of them, rounded up, or null for all. */
export function limitSamples<S>(samples: readonly S[], limit: number | null): readonly S[] {
  if (limit === null) return samples;
  return samples.slice(0, limit < 1 ? Math.ceil(samples.length * limit) : limit);
}
