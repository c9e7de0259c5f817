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
import { taskNamed } from "../catalog/find-checkpoint.ts";
import { codeFingerprint, scorerFingerprint } from "../catalog/provenance.ts";
import type { Outcome } from "../../reports/records/journal.ts";
import { planWindows } from "./generation/ask.ts";
import { openRecordedSplit } from "../catalog/recorded-split.ts";
import { withCiderDf } from "./generation/asking.ts";
import { scorePredictions } from "./generation/score.ts";
import { embeddingBatches } from "./retrieval/ask.ts";
import { pairsOf, scoreRanking, seenOf } from "./retrieval/score.ts";

export interface RescoredRun {
  readonly record: RunRecord;
  readonly scores: ScoreSheet;
}

/** `data`: the folder of the data set's files, where they have moved. Throws a RunFolderError or a DatasetError. */
export async function scoreAgain(path: string, catalog: Catalog, data: string | null): Promise<RescoredRun> {
  const { record, outcomes } = await readRun(path);
  return scoreOutcomes(path, { record, outcomes }, await reopenRun(path, record, { catalog, data }));
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

/** Opens the data set of a run on disk. `path`: the run's folder, for messages. Throws a RunFolderError or a DatasetError. */
export async function reopenRun(
  path: string,
  record: RunRecord,
  { catalog, data }: { readonly catalog: Catalog; readonly data: string | null },
): Promise<ReopenedRun> {
  const task = taskNamed(catalog, record.config.task);
  const { protocol, limit, batchSize, overrides } = record.config;
  if (protocol !== "paper" && protocol !== "lavis") {
    const known = Object.keys(task.protocols).join(", ");
    throw new RunFolderError(`${path}: protocol ${protocol} of ${task.name} is not known here. Protocols: ${known}.`);
  }
  const open = <S extends Sample>({ dataset }: { readonly dataset: Dataset<S> }): Promise<Split<S>> =>
    openRecordedSplit(dataset, { record, path }, { catalog, data });
  const made = { checkpoint: record.checkpoint.name, code: await codeFingerprint() };
  if (task.kind === "retrieval") {
    const samples = limitSamples((await open(task)).samples, limit);
    const rerank = record.config.retrieval?.rerank ?? task.protocols[protocol].rerank;
    return {
      windows: embeddingBatches(samples, batchSize),
      order: samples.map(({ id }) => id),
      score: async (folder, outcomes) => {
        const similarities = await readSimilarities(folder, pairsOf(seenOf(samples, outcomes)));
        return scoreRanking(task, { ...made, outcomes, samples, similarities, rerank, split: record.data.split });
      },
    };
  }
  const split = await open(task);
  const samples = limitSamples(split.samples, limit);
  const windows = planWindows(samples, batchSize);
  const { answer } = task.protocols[protocol];
  return {
    windows,
    order: windows.flat().map(({ id }) => id),
    score: (_, outcomes) => {
      const predicted = { ...made, outcomes, split, samples, answer };
      return Promise.resolve(scorePredictions(withCiderDf(task, overrides["ciderDf"]), predicted));
    },
  };
}
