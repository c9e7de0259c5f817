/** The split of a run that is on disk: its task, and its samples from files with the bytes that the run recorded. */
import { DatasetError, limitSamples } from "../../datasets/dataset.ts";
import type { Dataset, DataSource, Sample, Split } from "../../datasets/dataset.ts";
import type { RunRecord } from "../../reports/records/run-record.ts";
import type { Task } from "../../tasks/task.ts";
import type { Catalog } from "./catalog.ts";
import { describeDataFiles } from "./data-files.ts";
import { fetchedFolder } from "./fetched-images.ts";
import { findTask } from "./find-task.ts";

/** Where the data of runs are looked for. */
export interface RecordedPlaces {
  readonly catalog: Catalog;
  /** The folder of the data set's files, where they have moved; null: where they were when the run was made. */
  readonly data: string | null;
  /** What is kept between runs, which has images that were fetched by their addresses; unset: no image is read. */
  readonly cacheFolder?: string;
}

export interface RecordedSplit {
  readonly task: Task;
  readonly split: Split<Sample>;
  /** The samples that the run asks about. */
  readonly samples: readonly Sample[];
}

/** Throws a UsageError for a task that is not known, and what `openRecordedSplit` throws. */
export async function openRecorded(record: RunRecord, path: string, places: RecordedPlaces): Promise<RecordedSplit> {
  const task = await taskOfData(record, places.catalog);
  const split = await openRecordedSplit<Sample>(task.dataset, { record, path }, places);
  return { task, split, samples: limitSamples(split.samples, record.config.limit) };
}

/**
 * A task that asks about a run's data: the run's own, unless that is written in a file. The file may be code, which is not run
 * only to show samples, and all that tells the data stands in the record.
 */
async function taskOfData({ config, data, taskFile }: RunRecord, catalog: Catalog): Promise<Task> {
  const kind = config.retrieval === undefined ? "generation" : "retrieval";
  const alike = catalog.tasks.find((task) => task.kind === kind && task.dataset.name === data.dataset);
  return taskFile === undefined || alike === undefined ? findTask(catalog, config.task) : alike;
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
