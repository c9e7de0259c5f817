/**
 * `blip2-bench score`: scores again what is on disk. No model is loaded; the data set's files must be those of the run. A
 * folder of several runs is scored run by run.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatasetError, limitSamples } from "../../../datasets/dataset.ts";
import type { Dataset, Sample, Split } from "../../../datasets/dataset.ts";
import { kindOfFolder, readRun, readSimilarities, writeScores } from "../../../reports/records/run-files.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import type { RunRecord, ScoreSheet } from "../../../reports/records/run-record.ts";
import type { ScoredRun } from "../../../reports/tables/table.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { describeDataFiles } from "../../catalog/data-files.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import type { ScoreValues } from "./declared/evaluate.ts";
import { taskNamed } from "../../catalog/find-checkpoint.ts";
import { withCiderDf } from "../../evaluation/protocol.ts";
import { codeFingerprint, scorerFingerprint } from "../../catalog/provenance.ts";
import { pairsOf, scoreRanking, seenOf } from "../../evaluation/retrieval/retrieval-run.ts";
import { showRuns, writeRows } from "./run.ts";
import { scorePredictions } from "../../evaluation/score.ts";
import { UsageError } from "../../catalog/usage-error.ts";

/** Gives the exit code. */
export async function score(
  { data }: ScoreValues,
  [folder]: readonly string[],
  { catalog, terminal, isJson }: Surroundings,
): Promise<number> {
  if (folder === undefined) throw new UsageError("score: found no folder, expected the run folder to score.");
  const scored: ScoredRun[] = [];
  for (const run of await runsIn(folder)) scored.push(await scoreRun(run, catalog, data));
  await writeRows(folder, scored);
  showRuns(scored, { terminal, isJson });
  return scored.every(({ scores }) => scores.counts.scored === scores.counts.samples) ? completeCode : incompleteCode;
}

/** The folder itself, or the <model>/<task> and <model>/<precision>/<task> folders below it, or of one model. */
export async function runsIn(folder: string): Promise<readonly string[]> {
  const runs = await runsBelow(folder, 3);
  if (runs.length > 0) return runs;
  throw new RunFolderError(
    `${folder}: no run.json in it or in <model>/<task> below it. Give a folder that \`run\` has written.`,
  );
}

async function runsBelow(folder: string, depth: number): Promise<readonly string[]> {
  if ((await kindOfFolder(folder)) === "run") return [folder];
  const runs: string[] = [];
  if (depth > 0) for (const inner of await foldersIn(folder)) runs.push(...(await runsBelow(inner, depth - 1)));
  return runs;
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []); // none: said by the caller
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort();
}

async function scoreRun(path: string, catalog: Catalog, data: string | null): Promise<ScoredRun> {
  const { record, outcomes } = await readRun(path);
  const task = taskNamed(catalog, record.config.task);
  const { protocol, limit, overrides } = record.config;
  if (protocol !== "paper" && protocol !== "lavis") {
    const known = Object.keys(task.protocols).join(", ");
    throw new RunFolderError(`${path}: protocol ${protocol} of ${task.name} is not known here. Protocols: ${known}.`);
  }
  const folder = data ?? record.data.folder ?? catalog.dataFolder;
  // No image is read, so it does not matter whether they are still there.
  const open = async <S extends Sample>({ dataset }: { readonly dataset: Dataset<S> }): Promise<Split<S>> => {
    const split = await dataset.open({ folder, images: folder }, record.data.split);
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
    const asked = { ...made, split, samples: limitSamples(split.samples, limit), answer };
    scores = scorePredictions(withCiderDf(task, overrides["ciderDf"]), asked);
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
