/**
 * The scores of a run that is on disk, made again. No model is loaded and no image is read; the data set's files must be those
 * of the run.
 */
import { DatasetError, limitSamples } from "../../datasets/dataset.ts";
import type { Dataset, Sample, Split } from "../../datasets/dataset.ts";
import { readRun, readSimilarities, writeScores } from "../../reports/records/run-files.ts";
import { RunFolderError } from "../../reports/records/run-folder-error.ts";
import type { RunRecord, ScoreSheet } from "../../reports/records/run-record.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { describeDataFiles } from "../catalog/data-files.ts";
import { isOwnData, recordedSource } from "../catalog/open-split.ts";
import { taskNamed } from "../catalog/find-checkpoint.ts";
import { codeFingerprint, scorerFingerprint } from "../catalog/provenance.ts";
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
  const source = recordedSource(record, data, catalog);
  // No image is read, so it does not matter whether they are still there.
  const open = async <S extends Sample>({ dataset }: { readonly dataset: Dataset<S> }): Promise<Split<S>> => {
    const split = await dataset.open(
      isOwnData(dataset) ? source : { ...source, images: source.folder },
      record.data.split,
    );
    await checkFiles(path, record, split.files);
    return split;
  };
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

async function checkFiles(path: string, record: RunRecord, paths: readonly string[]): Promise<void> {
  const files = await describeDataFiles(paths);
  const expected = new Map(record.data.files.map(({ name, sha256 }) => [name, sha256]));
  for (const [index, { name, sha256 }] of files.entries()) {
    const before = expected.get(name);
    if (before === sha256) continue;
    throw new DatasetError(
      `${path}: was run on another ${name}: found SHA-256 ${sha256} in ${paths[index] ?? name}, expected ${before ?? "none"}. ` +
        "Give the folder of the files it was run on with --data.",
    );
  }
}
