/**
 * Results that another program made → a run folder of ours, marked as imported and scored here. What the file does not tell is
 * not in the record: no checkpoint but its name, no prompt, tokens or times.
 */
import { basename } from "node:path";
import { stat } from "node:fs/promises";
import { DatasetError } from "../../../datasets/dataset.ts";
import type { Sample } from "../../../datasets/dataset.ts";
import { RecordError } from "../../../datasets/record-fields.ts";
import { fileChecksum } from "../../../reports/records/checksums.ts";
import { RunFolder } from "../../../reports/records/run-folder.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import type { Prediction, RecordedPlan } from "../../../reports/records/run-record.ts";
import type { ProtocolName } from "../../../tasks/task.ts";
import { findTask } from "../../catalog/find-task.ts";
import { openSplit } from "../../catalog/open-split.ts";
import type { DataPlaces, OpenedSplit, SplitChoice, SplitTask } from "../../catalog/open-split.ts";
import { provenance } from "../../catalog/provenance.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { scoreAgain } from "../../evaluation/score.ts";
import type { RescoredRun } from "../../evaluation/score.ts";
import { readResults } from "./read-results.ts";
import type { FoundAnswer } from "./result-forms.ts";

export interface ImportChoice extends SplitChoice {
  readonly task: string;
  /** What the model is called in tables. */
  readonly modelName: string;
  /** The program that made the file; null: what the file's form tells. */
  readonly tool: string | null;
  /** By its rule the texts become the answers that are scored. */
  readonly protocol: ProtocolName;
  readonly output: string;
  /** Whether samples may have no answer. */
  readonly isPartial: boolean;
  readonly overwrite: boolean;
}

/**
 * Throws a UsageError for a task without answers, a DatasetError for a file or data that cannot be used, and a RunFolderError
 * where samples have no answer or the folder cannot be written. Nothing is written before all is checked.
 */
export async function importRun(path: string, choice: ImportChoice, places: DataPlaces): Promise<RescoredRun> {
  const task = await findTask(places.catalog, choice.task);
  if (task.kind === "retrieval") {
    throw new UsageError(
      `--tasks ${task.name}: ranks texts and images, of which result files hold no scores. Give a task with answers.`,
    );
  }
  const opened = await openWithoutImages(task, choice, places);
  const wanted = samplesBy(opened.samples);
  const { form, answers } = await readResults(path, (answer) => {
    if (sampleOf(answer, wanted) === undefined) throw new RecordError(unknownAnswer(answer, opened));
  });
  const texts = new Map(answers.map((answer) => [sampleOf(answer, wanted)!.id, answer.text]));
  const missing = opened.samples.filter(({ id }) => !texts.has(id));
  if (missing.length > 0 && !choice.isPartial) {
    const { split, dataset } = opened.data;
    throw new RunFolderError(
      `${path}: ${missing.length} of the ${opened.samples.length} samples of ${dataset} ${split} have no answer in it, the first is ${missing[0]!.id}. ` +
        "Import what it answers with --limit, where that is the beginning of the split, or as a partial run with --partial.",
    );
  }
  const predictions = opened.samples.flatMap(({ id, image, fault }): readonly Prediction[] => {
    const text = texts.get(id);
    if (text === undefined) return [];
    if (fault !== undefined) return [{ id, status: "failed", image: image.id, prompt: null, error: fault }];
    return [{ id, status: "imported", image: image.id, text }];
  });
  const isWhole = predictions.filter(({ status }) => status === "imported").length === opened.samples.length;
  const { protocol, limit, modelName, tool, output, overwrite } = choice;
  const plan: RecordedPlan = {
    config: { task: task.name, protocol, limit, decoding: {}, overrides: {} },
    ...(task.file !== undefined && { taskFile: { path: task.file.path, sha256: task.file.sha256 } }),
    checkpoint: { name: modelName, family: "unknown" },
    imported: {
      file: basename(path),
      sha256: (await fileChecksum(path)) ?? "",
      sizeBytes: (await stat(path)).size,
      form: form.name,
      tool: tool ?? form.tool,
    },
    data: opened.data,
    code: (await provenance({ threads: 1, workers: 1 })).code,
    packages: {},
    seeds: {},
  };
  const folder = await RunFolder.open(output, plan, {
    samples: opened.samples.length,
    overwrite,
    taskFile: task.file?.bytes ?? null,
  });
  try {
    await folder.begin(plan, []);
    await folder.append(predictions);
    await folder.finish(
      isWhole ? "complete" : "partial",
      predictions.map(({ id }) => id),
    );
  } finally {
    await folder.close();
  }
  return await scoreAgain(output, { catalog: places.catalog, data: null, taskFile: null, onNote: () => undefined });
}

/** Scores need no image, so that a folder without images is no error. */
async function openWithoutImages(
  task: SplitTask<Sample>,
  choice: ImportChoice,
  places: DataPlaces,
): Promise<OpenedSplit<Sample>> {
  try {
    return await openSplit(task, choice, places);
  } catch (error) {
    if (!(error instanceof DatasetError) || choice.data === null || choice.images !== null) throw error;
    const opened = await openSplit(task, { ...choice, images: choice.data }, places);
    return { ...opened, data: { ...opened.data, images: null } };
  }
}

interface Wanted {
  readonly sample: ReadonlyMap<string, Sample>;
  /** Of images with one sample; null: an image has several. */
  readonly image: ReadonlyMap<string, Sample> | null;
}

function samplesBy(samples: readonly Sample[]): Wanted {
  const byImage = new Map(samples.map((sample) => [sample.image.id, sample]));
  return {
    sample: new Map(samples.map((sample) => [sample.id, sample])),
    image: byImage.size === samples.length ? byImage : null,
  };
}

function sampleOf({ id, by }: FoundAnswer, wanted: Wanted): Sample | undefined {
  if (by === "sample") return wanted.sample.get(id);
  if (wanted.image !== null) return wanted.image.get(id);
  throw new RecordError(
    `names image ${id}, but images have several samples each here. Is this a file of captions for a task of questions?`,
  );
}

function unknownAnswer({ id, by }: FoundAnswer, { split, samples, data }: OpenedSplit<Sample>): string {
  const isBeyond = split.samples.some((sample) => (by === "sample" ? sample.id : sample.image.id) === id);
  const where = `${data.dataset} ${data.split}`;
  return isBeyond
    ? `${by} ${id} is not among the first ${samples.length} samples of ${where}, which --limit takes`
    : `${by} ${id} is not in ${where}. Are task, --split and --data those of the file?`;
}
