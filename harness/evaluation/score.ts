/**
 * The scores of a run that is on disk, made again. No model is loaded and no image is read; the data set's files must be those
 * of the run.
 */
import { limitSamples } from "../../datasets/dataset.ts";
import type { Dataset, Sample, Split } from "../../datasets/dataset.ts";
import { readRun, readSimilarities, writeScores } from "../../reports/records/run-files.ts";
import { RunFolderError } from "../../reports/records/run-folder-error.ts";
import type { RunRecord, ScoreSheet } from "../../reports/records/run-record.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { codeFingerprint, scorerFingerprint } from "../catalog/provenance.ts";
import { openRecordedSplit } from "../catalog/recorded-split.ts";
import { findTask } from "../catalog/find-task.ts";
import { taskOfRun } from "../catalog/task-file/task-of-run.ts";
import type { TaskOfRun } from "../catalog/task-file/task-of-run.ts";
import { UsageError } from "../catalog/usage-error.ts";
import { clusterBy } from "./clusters.ts";
import { withCiderDf } from "./generation/asking.ts";
import { scorePredictions } from "./generation/score.ts";
import { pairsOf, scoreRanking, seenOf } from "./retrieval/score.ts";

export interface RescoredRun {
  readonly record: RunRecord;
  readonly scores: ScoreSheet;
}

export interface ScoreOptions {
  /** The folder of the data set's files, where they have moved; null: they have not. */
  readonly data: string | null;
  /** A task file whose answer rule and metrics are used in place of those of the run's; null: the run's own. */
  readonly taskFile: string | null;
  /** Is told what a user should know of the run's task file. */
  readonly onNote: (note: string) => void;
}

/** Throws a RunFolderError, a DatasetError, or a UsageError. */
export async function scoreAgain(
  path: string,
  catalog: Catalog,
  { data, taskFile, onNote }: ScoreOptions,
): Promise<RescoredRun> {
  const { record, outcomes } = await readRun(path);
  const { task, note } = await taskToScore(path, record, { catalog, taskFile });
  if (note !== null) onNote(note);
  const { protocol, limit, overrides, cluster: column } = record.config;
  if (protocol !== "paper" && protocol !== "lavis") {
    const known = Object.keys(task.protocols).join(", ");
    throw new RunFolderError(`${path}: protocol ${protocol} of ${task.name} is not known here. Protocols: ${known}.`);
  }
  const open = <S extends Sample>({ dataset }: { readonly dataset: Dataset<S> }): Promise<Split<S>> =>
    openRecordedSplit(dataset, { record, path }, { catalog, data });
  const made = { outcomes, checkpoint: record.checkpoint.name, code: await codeFingerprint() };
  let scores: ScoreSheet;
  if (task.kind === "retrieval") {
    const samples = limitSamples((await open(task)).samples, limit);
    const similarities = await readSimilarities(path, pairsOf(seenOf(samples, outcomes)));
    const cluster = clusterBy(column, samples);
    const rerank = record.config.retrieval?.rerank ?? task.protocols[protocol].rerank;
    scores = scoreRanking(task, { ...made, samples, similarities, rerank, cluster, split: record.data.split });
  } else {
    const split = await open(task);
    const { answer } = task.protocols[protocol];
    const samples = limitSamples(split.samples, limit);
    const predicted = { ...made, split, samples, answer, cluster: clusterBy(column, samples) };
    scores = scorePredictions(withCiderDf(task, overrides["ciderDf"]), predicted);
  }
  const by = task.file !== undefined && task.file.sha256 !== record.taskFile?.sha256 ? task.file.sha256 : null;
  const sheet = { ...scores, scorer: await scorerFingerprint(), ...(by !== null && { taskFile: by }) };
  await writeScores(path, sheet);
  return { record, scores: sheet };
}

/** Predictions stay what they are: of another file only what comes after them is used. */
async function taskToScore(
  path: string,
  record: RunRecord,
  { catalog, taskFile }: { readonly catalog: Catalog; readonly taskFile: string | null },
): Promise<TaskOfRun> {
  if (taskFile === null) return taskOfRun(path, record, catalog);
  const task = await findTask(catalog, taskFile);
  const kind = record.config.retrieval === undefined ? "generation" : "retrieval";
  if (task.file !== undefined && task.name === record.config.task && task.kind === kind) return { task, note: null };
  throw new UsageError(
    `--tasks ${taskFile}: is not the task of ${path}, which is ${record.config.task}, expected a task file of this name and kind.`,
  );
}
