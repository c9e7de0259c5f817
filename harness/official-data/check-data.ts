/**
 * Checks a folder of data: which splits are there, whether their files fit together, whether every image of their
 * samples exists and can be decoded, and whether zip archives in the folder are undamaged. Images are decoded with the
 * code of a run, so a run can use every image that passes. A folder without official files, or a file, is taken for a user's
 * own data, of which the first samples are shown, too.
 */
import { access, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import pLimit from "p-limit";
import { DatasetError, MissingDataError } from "../../datasets/dataset.ts";
import type { Dataset, DataSource, ImageFile, Sample } from "../../datasets/dataset.ts";
import { ownSplits } from "../../datasets/own/own-data.ts";
import { isThereToRead } from "../../datasets/images.ts";
import { decodeBytes, imageBytes } from "../../models/image/image-processor.ts";
import { ImageError } from "../../models/model.ts";
import { isOwnData } from "../catalog/open-split.ts";
import { pullCommand } from "../catalog/official-data.ts";
import type { OfficialDataset } from "../catalog/official-data.ts";
import { shownSampleOf } from "../catalog/shown-samples.ts";
import type { ShownSample } from "../catalog/shown-samples.ts";
import { withFileSource } from "./archive-source.ts";
import { readZipDirectory } from "../../models/pytorch/zip-directory.ts";
import { membersTogether, readMembers } from "./zip-members.ts";

export interface CheckedImage {
  readonly id: string;
  readonly why: string;
}

export interface FaultySample {
  readonly id: string;
  /** With file and place. */
  readonly why: string;
}

export interface CheckedSplit {
  readonly dataset: string;
  readonly split: string;
  /** Why the split cannot be read (the counts are 0 then); null: it can be read. */
  readonly problem: string | null;
  /** The files that the samples were read from. */
  readonly files: readonly string[];
  readonly samples: number;
  /** Number of samples of the official split; null: not known. */
  readonly officialSamples: number | null;
  readonly images: number;
  readonly missing: readonly CheckedImage[];
  readonly damaged: readonly CheckedImage[];
  /** Samples of own data that fail by a fault of their row, such as an empty question. */
  readonly faulty: readonly FaultySample[];
  readonly notes: readonly string[];
  /** The first samples of own data; empty for official files, which are what they are. */
  readonly shown: readonly CheckedSample[];
  /** A command that fetches what is missing; null: nothing is missing, or it cannot be fetched. */
  readonly command: string | null;
}

export interface CheckedSample extends Omit<ShownSample, "image"> {
  readonly id: string;
  /** Path of its image. */
  readonly image: string;
}

export interface CheckedArchive {
  readonly path: string;
  readonly members: number;
  /** What is damaged; null: every member is undamaged. */
  readonly problem: string | null;
}

export interface DataCheck {
  readonly folder: string;
  readonly splits: readonly CheckedSplit[];
  readonly archives: readonly CheckedArchive[];
}

export interface CheckOptions {
  readonly datasets: readonly Dataset<Sample>[];
  readonly official: readonly OfficialDataset[];
  /** How own data is read. */
  readonly own: Omit<DataSource, "folder">;
  readonly onProgress: (work: string, done: number, total: number) => void;
}

/** Images decoded at a time: the default number of threads in libuv's pool. */
const decodedAtOnce = 4;

/** Throws a DatasetError where the folder does not exist or holds no file of any known data set. */
export async function checkData(folder: string, options: CheckOptions): Promise<DataCheck> {
  const isFile = (await stat(folder).catch(() => null))?.isFile() === true;
  const names = await (isFile ? Promise.resolve([]) : readdir(folder)).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DatasetError(`${folder}: the folder cannot be read (${why}). Give the folder of the data set's files.`, {
      cause,
    });
  });
  const found = new Map<string, Promise<CheckedImage | null>>(); // by image, since splits can have images in common
  const splits: CheckedSplit[] = [];
  const failed: CheckedSplit[] = [];
  for (const dataset of isFile ? [] : options.datasets) {
    for (const split of dataset.splits) {
      const checked = await checkSplit(dataset, split, { folder, found, ...options });
      if (checked.problem === null) splits.push(checked);
      else if (await hasFilesOf(checked, folder, options.official)) splits.push(checked);
      else failed.push(checked);
    }
  }
  const archives: CheckedArchive[] = [];
  for (const name of names.filter((each) => each.endsWith(".zip")).sort()) {
    archives.push(await checkArchive(join(folder, name), options));
  }
  const isOwnNamed = options.datasets.every(isOwnData);
  if (splits.length === 0) splits.push(...(await checkOwn({ folder, found, ...options }, isOwnNamed)));
  if (splits.length + archives.length > 0) return { folder, splits, archives };
  const tried = failed.map(({ problem }) => `  ${problem ?? ""}`).join("\n");
  throw new DatasetError(`${folder}: nothing of a data set that is known here:\n${tried}`);
}

/**
 * Own data as each of its data sets reads it. Those that cannot read it are left out, unless they are the ones that were asked
 * for; where none can, and the data has a form, the reasons are shown.
 */
async function checkOwn(checking: Checking, isNamed: boolean): Promise<readonly CheckedSplit[]> {
  const { folder, own, datasets } = checking;
  const names = await ownSplits({ folder, ...own }).catch((error: unknown) => {
    if (error instanceof MissingDataError && !isNamed) return [];
    throw error;
  });
  const checked: CheckedSplit[] = [];
  for (const dataset of datasets.filter(isOwnData)) {
    for (const split of names) checked.push(await checkSplit(dataset, split, checking));
  }
  const readable = checked.filter(({ problem }) => problem === null);
  return isNamed || readable.length === 0 ? checked : readable;
}

interface Checking extends CheckOptions {
  readonly folder: string;
  readonly found: Map<string, Promise<CheckedImage | null>>;
}

async function checkSplit(dataset: Dataset<Sample>, name: string, checking: Checking): Promise<CheckedSplit> {
  const { folder, found, official, onProgress } = checking;
  const known = official.find((each) => each.name === dataset.name)?.splits.find(({ split }) => split === name);
  const about = { dataset: dataset.name, split: name, officialSamples: known?.samples ?? null };
  const command = pullCommand(official, dataset.name, { split: name, folder });
  const nothing = { files: [], samples: 0, images: 0, missing: [], damaged: [], faulty: [], notes: [], shown: [] };
  try {
    const split = await dataset.open({ folder, ...checking.own }, name);
    const images = new Map(split.samples.map(({ image }) => [image.path, image]));
    const limit = pLimit(decodedAtOnce);
    const work = `${dataset.name} ${name}: images`;
    let done = 0;
    const outcomes = await Promise.all(
      Array.from(images.values(), (image) =>
        limit(async () => {
          let outcome = found.get(image.path);
          if (outcome === undefined) {
            outcome = checkImage(image);
            found.set(image.path, outcome);
          }
          const result = await outcome;
          onProgress(work, (done += 1), images.size);
          return { image, result };
        }),
      ),
    );
    const wrong = outcomes.flatMap(({ image, result }) => (result === null ? [] : [{ ...result, image }]));
    const missing = wrong.filter(({ why }) => why === notThere).map(({ id, why }) => ({ id, why }));
    const damaged = wrong.filter(({ why }) => why !== notThere).map(({ id, why }) => ({ id, why }));
    return {
      ...about,
      problem: null,
      files: split.files.map((file) => basename(file)),
      samples: split.samples.length,
      images: images.size,
      missing,
      damaged,
      faulty: split.samples.flatMap(({ id, fault }) => (fault === undefined ? [] : [{ id, why: fault }])),
      notes: split.notes ?? [],
      shown: isOwnData(dataset) ? split.samples.slice(0, shownSamples).map(checkedSample) : [],
      command: missing.length === 0 ? null : command,
    };
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return { ...about, ...nothing, problem: error.message, command };
  }
}

const shownSamples = 3;

function checkedSample(sample: Sample): CheckedSample {
  return { id: sample.id, ...shownSampleOf(sample), image: sample.image.path };
}

const notThere = "not there";

/** What is wrong with an image; null: it can be decoded. */
async function checkImage(image: ImageFile): Promise<CheckedImage | null> {
  const { id, path } = image;
  if (!(await isThereToRead(image))) return { id, why: notThere };
  try {
    await decodeBytes(path, await imageBytes(image));
    return null;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { id, why: error.message };
  }
}

/**
 * Whether the folder holds at least one official file of a split that cannot be read, so that its error should be
 * reported.
 */
async function hasFilesOf(
  { dataset, split }: CheckedSplit,
  folder: string,
  official: readonly OfficialDataset[],
): Promise<boolean> {
  const known = official.find(({ name }) => name === dataset)?.splits.find((each) => each.split === split);
  for (const { fileName } of known?.annotations ?? []) {
    const isThere = await access(join(folder, fileName)).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}

/** Unpacks every member of an archive, which verifies its CRC-32. */
async function checkArchive(path: string, { onProgress }: CheckOptions): Promise<CheckedArchive> {
  let members = 0;
  try {
    await withFileSource(path, async (source) => {
      const all = await readZipDirectory(source);
      for (const run of membersTogether(all)) {
        members += (await readMembers(source, run)).length;
        onProgress(basename(path), members, all.length);
      }
    });
    return { path, members, problem: null };
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return { path, members, problem: error.message };
  }
}
