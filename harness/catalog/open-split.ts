/** The samples of a task's split, its files and their fingerprints. */
import { basename } from "node:path";
import { DatasetError, limitSamples, MissingDataError } from "../../datasets/dataset.ts";
import type { Dataset, Sample, Split } from "../../datasets/dataset.ts";
import { parseMirrorName } from "../../models/checkpoint/hugging-face-cache.ts";
import type { RunPlan } from "../../reports/records/run-record.ts";
import type { TaskData } from "../../tasks/task.ts";
import type { Catalog } from "./catalog.ts";
import { dataFolder, pullMirrorCommand } from "./data-folder.ts";
import { pullCommand } from "./official-data.ts";
import { describeDataFiles } from "./data-files.ts";
import { fetchedFolder, withFetchedImages } from "./fetched-images.ts";
import type { UnfetchedImages } from "./fetched-images.ts";
import { unknownName, UsageError } from "./usage-error.ts";

/** Which part of a data set, and where its files are. */
export interface SplitChoice {
  /** null: the data set's first. */
  readonly split: string | null;
  /** Folder of the official files or of a mirror's, or a mirror's name, see data-folder.ts; null: the data inside the package. */
  readonly data: string | null;
  /** Folder of the images; null: where the official archives put them in `data`. */
  readonly images: string | null;
  /** Of own data: columns by role, see datasets/own/column-roles.ts. */
  readonly columns: Readonly<Record<string, string>>;
  /** Of own data: whether images may lie outside its folder. */
  readonly allowOutside: boolean;
  /** See limitSamples. */
  readonly limit: number | null;
  /** Of own data: what is kept between runs, which has images that were fetched by their addresses; unset: no image is read. */
  readonly cache?: string;
  /** Images that could not be fetched; unset: nothing was tried to be fetched. */
  readonly unfetched?: UnfetchedImages;
}

/** What may be named for a folder of data. */
export interface DataPlaces {
  readonly catalog: Catalog;
  /** The Hugging Face cache, which has mirrors. */
  readonly hubCache: string;
}

export interface OpenedSplit<S extends Sample> {
  readonly split: Split<S>;
  readonly samples: readonly S[];
  readonly data: RunPlan["data"];
}

export interface SplitTask<S extends Sample> {
  readonly name: string;
  readonly dataset: Dataset<S>;
  /** What is opened where `SplitChoice` leaves it open; unset: the data inside the package. */
  readonly data?: TaskData;
}

export async function openSplit<S extends Sample>(
  task: SplitTask<S>,
  given: SplitChoice,
  { catalog, hubCache }: DataPlaces,
  flag = "--split",
): Promise<OpenedSplit<S>> {
  const { dataset } = task;
  const config = withTaskData(given, task.data);
  const { columns, allowOutside, cache, unfetched = null } = config;
  const isOwn = isOwnData(dataset);
  const name = config.split ?? dataset.splits[0] ?? "";
  if (!isOwn && !dataset.splits.includes(name)) {
    throw unknownName(`${flag} ${name}: ${task.name}`, "split", { name, names: dataset.splits });
  }
  if (isOwn && config.data === null) {
    throw new UsageError(`--tasks ${task.name}: asks about data of your own. Name its folder or file with --data.`);
  }
  const [role] = Object.keys(columns);
  if (!isOwn && (role !== undefined || allowOutside)) {
    const flag = role === undefined ? "--allow-outside" : `--columns ${role}=${columns[role]!}`;
    throw new UsageError(`${flag}: is for data of your own; ${task.name} reads official files.`);
  }
  const data = await dataFolder(config.data, hubCache, { dataset, split: name });
  const folder = data ?? catalog.dataFolder;
  const ofOwn = isOwn ? { columns, allowOutside, ...(cache !== undefined && { fetched: fetchedFolder(cache) }) } : {};
  const source = { folder, ...(config.images !== null && { images: config.images }), ...ofOwn };
  const split = await dataset.open(source, name).catch((error: unknown) => {
    const mirror = parseMirrorName(config.data ?? "");
    const command =
      mirror === null
        ? pullCommand(catalog.officialData, dataset.name, { split: name, folder })
        : pullMirrorCommand(mirror, { dataset, split: name });
    if (!(error instanceof MissingDataError) || command === null || config.data === null) throw error;
    throw new MissingDataError(`${error.message} Or get it with: ${command}`, { cause: error });
  });
  const asked = limitSamples(split.samples, config.limit);
  const samples = cache === undefined ? asked : await withFetchedImages(asked, unfetched);
  if (samples.length === 0) {
    throw new DatasetError(
      `${dataset.name} ${name}: no samples in ${split.files.map((file) => basename(file)).join(", ")}.`,
    );
  }
  const files = await describeDataFiles(split.files);
  const { images } = config;
  return {
    split,
    samples,
    data: {
      dataset: dataset.name,
      split: split.name,
      folder: data,
      images,
      files,
      samples: split.samples.length,
      ...(role !== undefined && { columns }),
      ...(allowOutside && { allowOutside }),
    },
  };
}

/** What a command leaves open is as the task's file says. */
function withTaskData(given: SplitChoice, { data, images, split, columns = {} }: TaskData = {}): SplitChoice {
  return {
    ...given,
    data: given.data ?? data ?? null,
    images: given.images ?? images ?? null,
    split: given.split ?? split ?? null,
    columns: { ...columns, ...given.columns },
  };
}

/** Whether a data set is a user's own: its files tell its splits. */
export function isOwnData({ splits }: Pick<Dataset<Sample>, "splits">): boolean {
  return splits.length === 0;
}
