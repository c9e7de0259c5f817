/** The split of a run that is on disk: its task, and its samples from files with the bytes that the run recorded. */
import { DatasetError, limitSamples } from "../../datasets/dataset.ts";
import type { Dataset, DataSource, Sample, Split } from "../../datasets/dataset.ts";
import { RunFolderError } from "../../reports/records/run-folder-error.ts";
import type { RunRecord } from "../../reports/records/run-record.ts";
import type { Task } from "../../tasks/task.ts";
import type { Catalog } from "./catalog.ts";
import { describeDataFiles } from "./data-files.ts";
import { fetchedFolder } from "./fetched-images.ts";
import { findTask } from "./find-task.ts";
import { isTaskDocument } from "./task-file/read-task-file.ts";
import { taskOfRun } from "./task-file/task-of-run.ts";
import { UsageError } from "./usage-error.ts";

/** Where the data of runs are looked for. */
export interface RecordedPlaces {
  readonly catalog: Catalog;
  /** The folder of the data set's files, where they have moved; null: where they were when the run was made. */
  readonly data: string | null;
  /** What is kept between runs, which has images that were fetched by their addresses; unset: no image is read. */
  readonly cacheFolder?: string;
}

export interface RecordedTask {
  readonly task: Task;
  /** Why it is another task that asks about the run's data, with other answer rules and metrics; null: it is the run's. */
  readonly otherTask: string | null;
}

export interface RecordedSplit extends RecordedTask {
  readonly split: Split<Sample>;
  /** The samples that the run asks about. */
  readonly samples: readonly Sample[];
}

/** `path`: the run's folder. Throws a UsageError for a task that is not known, and what `openRecordedSplit` throws. */
export async function openRecorded(record: RunRecord, path: string, places: RecordedPlaces): Promise<RecordedSplit> {
  const found = await recordedTask(record, path, places.catalog);
  const { task } = found;
  const split = await openRecordedSplit<Sample>(task.dataset, { record, path }, places);
  return { ...found, split, samples: limitSamples(split.samples, record.config.limit) };
}

/**
 * The task of a run, whose samples are to be shown. A task file that is code is not run for that, and one that has changed may be lost:
 * then it is a task of the project about the data. Throws a UsageError where there is none.
 */
export async function recordedTask(record: RunRecord, path: string, catalog: Catalog): Promise<RecordedTask> {
  const { config, data, taskFile } = record;
  if (taskFile === undefined) return { task: await findTask(catalog, config.task), otherTask: null };
  const kind = config.retrieval === undefined ? "generation" : "retrieval";
  const alike = catalog.tasks.find((task) => task.kind === kind && task.dataset.name === data.dataset);
  const told = (why: string): string => `Scores are not worked out: ${why}`;
  if (!isTaskDocument(taskFile.path) && alike !== undefined) {
    return {
      task: alike,
      otherTask: told(`the task file ${taskFile.path} is code, which is not run to show samples.`),
    };
  }
  try {
    return { task: (await taskOfRun(path, record, catalog)).task, otherTask: null };
  } catch (error) {
    if (alike === undefined || !(error instanceof RunFolderError || error instanceof UsageError)) throw error;
    return { task: alike, otherTask: told(error.message) };
  }
}

/** `path`: the run's folder, for messages. Throws a DatasetError where files are missing, broken, or not those of the run. */
export async function openRecordedSplit<S extends Sample>(
  dataset: Dataset<S>,
  { record, path }: { readonly record: RunRecord; readonly path: string },
  { catalog, data, cacheFolder }: RecordedPlaces,
): Promise<Split<S>> {
  const { folder, images, split: name, columns, allowOutside } = record.data;
  const source = {
    folder: data ?? folder ?? catalog.dataFolder,
    ...(columns !== undefined && { columns }),
    ...(allowOutside !== undefined && { allowOutside }),
    ...(cacheFolder !== undefined && { fetched: fetchedFolder(cacheFolder) }),
  };
  const split = await openWithImages(dataset, name, { ...source, ...(images !== null && { images }) });
  const found = await describeDataFiles(split.files);
  const expected = new Map(record.data.files.map(({ name, sha256 }) => [name, sha256]));
  for (const [index, { name, sha256 }] of found.entries()) {
    const before = expected.get(name);
    if (before === sha256) continue;
    throw new DatasetError(
      `${path}: was run on another ${name}: found SHA-256 ${sha256} in ${split.files[index] ?? name}, expected ${before ?? "none"}. ` +
        "Give the folder of the files it was run on with --data.",
    );
  }
  return split;
}

/** Scores and answers need no image, so that a missing folder of images is no error: each image is then missing by itself. */
async function openWithImages<S extends Sample>(
  dataset: Dataset<S>,
  name: string,
  source: DataSource,
): Promise<Split<S>> {
  try {
    return await dataset.open(source, name);
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return await dataset.open({ ...source, images: source.folder }, name);
  }
}
