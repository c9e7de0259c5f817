/**
 * The types that describe every data set. A data set consists of official annotation files and a folder of images.
 * Opening a split gives its samples in the order of the file, which is also the order in every run and report.
 */

/**
 * An image by its official id. Its file is opened only when it is needed, so a missing one fails its own samples only.
 */
export interface ImageFile {
  readonly id: string;
  /** Path of the image file as the official naming has it, under the folder that was chosen when the split was opened. */
  readonly path: string;
  /**
   * Reads the bytes of an image that is stored in a row of a parquet file; `path` then names the row in messages.
   * Unset: the image is the file at `path`.
   */
  readonly read?: () => Promise<Uint8Array>;
  /** Index of that row among all rows of the mirror, from 0. */
  readonly place?: number;
  /** The address that own data names it by. `path` is then where it is once it was fetched. Unset: it has none. */
  readonly address?: ImageAddress;
}

export interface ImageAddress {
  readonly url: string;
  /** File and place of the row that names it, for messages. */
  readonly where: string;
}

/** A cell of a table: text, or several texts. Numbers and other values are their text. */
export type ColumnValue = string | readonly string[];
export type Columns = Readonly<Record<string, ColumnValue>>;

export interface Sample {
  readonly id: string;
  readonly image: ImageFile;
  /** All columns of a row of own data (own/own-data.ts), for prompts and metrics; unset: official data. */
  readonly columns?: Columns;
  /**
   * What is wrong with its row of own data, with file and place. The sample is not asked and is in no prompt: it fails with this
   * message. Unset: nothing is.
   */
  readonly fault?: string;
}

/**
 * One annotator's answer. The official scorer distinguishes annotators by all fields of their records, so all fields
 * are kept.
 */
export interface Annotation {
  readonly answer: string;
  /** "yes", "maybe" or "no"; "" where the file has none. */
  readonly confidence: string;
  /** The annotator's number, or the position in the list, from 1. */
  readonly id: number;
}

export interface VqaSample extends Sample {
  readonly question: string;
  /** "" where the file has none. */
  readonly questionType: string;
  readonly answerType: string;
  /** Human answers: ten in VQAv2 and OK-VQA, one in GQA, none in a split whose answers are private. */
  readonly references: readonly Annotation[];
  /** The answers to choose from, where own data has them. */
  readonly choices?: readonly string[];
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

/** The folders in which a user keeps the files. Files are found by their official names only. */
export interface DataSource {
  /** Folder that holds the official annotation files. */
  readonly folder: string;
  /** Folder that holds the images, if it is not the one that the official archives make. */
  readonly images?: string;
  /** Of own data: the column of each role that is not found by its usual name, see own/column-roles.ts. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Of own data: whether images may lie outside the folder. */
  readonly allowOutside?: boolean;
  /** Of own data: the folder of images that were fetched by their addresses, see own/image-addresses.ts; unset: none is known. */
  readonly fetched?: string;
}

export interface Split<S extends Sample> {
  readonly name: string;
  readonly samples: readonly S[];
  /** The files the samples were read from, for the record's fingerprint. */
  readonly files: readonly string[];
  /** Folder the images are looked for in. */
  readonly imageFolder: string;
  /** Sentences about what the files lack; unset: nothing. */
  readonly notes?: readonly string[];
}

export interface Dataset<S extends Sample> {
  readonly name: string;
  /** Names of the splits; the first is the default. None: own data, whose files tell them; "" opens the only one. */
  readonly splits: readonly string[];
  /** Those that mirrors tell by a column of their rows, not by the names of their files; unset: none. */
  readonly splitsInRows?: readonly string[];
  readonly open: (source: DataSource, split: string) => Promise<Split<S>>;
}

/** A missing, broken or contradictory file. The message says what is wrong, where, and what to do. */
export class DatasetError extends Error {
  override readonly name = "DatasetError";
}

/** An official file, or the folder of images, is not in the data folder. */
export class MissingDataError extends DatasetError {}

/**
 * The first samples of a split, which a run asks. `limit`: a number from 1; a fraction below 1 of all samples, rounded
 * up; or null for all.
 */
export function limitSamples<S>(samples: readonly S[], limit: number | null): readonly S[] {
  if (limit === null) return samples;
  return samples.slice(0, limit < 1 ? Math.ceil(samples.length * limit) : limit);
}
