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
import { openRecordedSplit } from "../catalog/recorded-split.ts";
import { withCiderDf } from "./generation/asking.ts";
import { scorePredictions } from "./generation/score.ts";
import { pairsOf, scoreRanking, seenOf } from "./retrieval/score.ts";

export interface RescoredRun {
  readonly record: RunRecord;
  readonly scores: ScoreSheet;
}

/** `data`: the folder of the data set's files, where they have moved. Throws a RunFolderError or a DatasetError. */
export async function scoreAgain(path: string, catalog: Catalog, data: string | null): Promise<RescoredRun> {
  const { record, outcomes } = await readRun(path);
  const task = taskNamed(catalog, record.config.task);
  const { protocol, limit, overrides } = record.config;
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
    const rerank = record.config.retrieval?.rerank ?? task.protocols[protocol].rerank;
    scores = scoreRanking(task, { ...made, samples, similarities, rerank, split: record.data.split });
  } else {
    const split = await open(task);
    const { answer } = task.protocols[protocol];
    const predicted = { ...made, split, samples: limitSamples(split.samples, limit), answer };
    scores = scorePredictions(withCiderDf(task, overrides["ciderDf"]), predicted);
  }
  const sheet = { ...scores, scorer: await scorerFingerprint() };
  await writeScores(path, sheet);
  return { record, scores: sheet };
}
