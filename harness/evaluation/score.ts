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
import type { Outcome } from "../../reports/records/journal.ts";
import { planWindows } from "./generation/ask.ts";
import { openRecordedSplit } from "../catalog/recorded-split.ts";
import { findTask } from "../catalog/find-task.ts";
import { taskOfRun } from "../catalog/task-file/task-of-run.ts";
import type { TaskOfRun } from "../catalog/task-file/task-of-run.ts";
import { UsageError } from "../catalog/usage-error.ts";
import { clusterBy } from "./clusters.ts";
import { withCiderDf } from "./generation/asking.ts";
import { scorePredictions } from "./generation/score.ts";
import { embeddingBatches } from "./retrieval/ask.ts";
import { pairsOf, scoreRanking, seenOf } from "./retrieval/score.ts";

export interface RescoredRun {
  readonly record: RunRecord;
  readonly scores: ScoreSheet;
}

export interface ReopenOptions {
  readonly catalog: Catalog;
  /** The folder of the data set's files, where they have moved; null: they have not. */
  readonly data: string | null;
  /** A task file whose answer rule and metrics are used in place of those of the run's; null: the run's own. */
  readonly taskFile: string | null;
  /** Is told what a user should know of the run's task file. */
  readonly onNote: (note: string) => void;
}

/** Throws a RunFolderError, a DatasetError, or a UsageError. */
export async function scoreAgain(path: string, options: ReopenOptions): Promise<RescoredRun> {
  const { record, outcomes } = await readRun(path);
  return scoreOutcomes(path, { record, outcomes }, await reopenRun(path, record, options));
}

/** Scores what a run folder holds, and writes the scores into it. */
export async function scoreOutcomes(
  path: string,
  { record, outcomes }: Awaited<ReturnType<typeof readRun>>,
  { score }: ReopenedRun,
): Promise<RescoredRun> {
  const scores = { ...(await score(path, outcomes)), scorer: await scorerFingerprint() };
  await writeScores(path, scores);
  return { record, scores };
}

/** What a run on disk was asked, opened again. */
export interface ReopenedRun {
  /** All windows of the run, in order. */
  readonly windows: readonly (readonly Sample[])[];
  /** Ids of its samples in the order in which their predictions stand on disk. */
  readonly order: readonly string[];
  /** Scores of these outcomes. `path`: the folder that has them, and the similarities of a retrieval run. */
  readonly score: (path: string, outcomes: ReadonlyMap<string, Outcome>) => Promise<ScoreSheet>;
}

/** Opens the data set of a run on disk. `path`: the run's folder, for messages. Throws a RunFolderError, a DatasetError, or a UsageError. */
export async function reopenRun(
  path: string,
  record: RunRecord,
  { catalog, data, taskFile, onNote }: ReopenOptions,
): Promise<ReopenedRun> {
  const { task, note } = await taskToScore(path, record, { catalog, taskFile });
  if (note !== null) onNote(note);
  const { protocol, limit, batchSize = 1, overrides, cluster: column } = record.config; // an imported run has no batch size
  if (protocol !== "paper" && protocol !== "lavis") {
    const known = Object.keys(task.protocols).join(", ");
    throw new RunFolderError(`${path}: protocol ${protocol} of ${task.name} is not known here. Protocols: ${known}.`);
  }
  const open = <S extends Sample>({ dataset }: { readonly dataset: Dataset<S> }): Promise<Split<S>> =>
    openRecordedSplit(dataset, { record, path }, { catalog, data });
  const made = { checkpoint: record.checkpoint.name, code: await codeFingerprint() };
  const otherFile =
    task.file !== undefined && task.file.sha256 !== record.taskFile?.sha256 ? { taskFile: task.file.sha256 } : {};
  if (task.kind === "retrieval") {
    const samples = limitSamples((await open(task)).samples, limit);
    const cluster = clusterBy(column, samples);
    const rerank = record.config.retrieval?.rerank ?? task.protocols[protocol].rerank;
    return {
      windows: embeddingBatches(samples, batchSize),
      order: samples.map(({ id }) => id),
      score: async (folder, outcomes) => {
        const similarities = await readSimilarities(folder, pairsOf(seenOf(samples, outcomes)));
        const ranked = { ...made, outcomes, samples, similarities, rerank, cluster, split: record.data.split };
        return { ...scoreRanking(task, ranked), ...otherFile };
      },
    };
  }
  const split = await open(task);
  const samples = limitSamples(split.samples, limit);
  const cluster = clusterBy(column, samples);
  const windows = planWindows(samples, batchSize);
  const { answer } = task.protocols[protocol];
  return {
    windows,
    order: windows.flat().map(({ id }) => id),
    score: (_, outcomes) => {
      const predicted = { ...made, outcomes, split, samples, answer, cluster };
      const scores = scorePredictions(withCiderDf(task, overrides["ciderDf"]), predicted);
      return Promise.resolve({ ...scores, ...otherFile });
    },
  };
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
