/**
 * `blip2-bench score`: scores the predictions of a run on disk again. No model is loaded; the data set's files must be
 * those of the run. A folder of several runs is scored run by run.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { runDepth } from "../../../reports/records/find-folders.ts";
import { kindOfFolder } from "../../../reports/records/run-files.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import type { ScoredRun } from "../../../reports/findings/score-rows.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import type { ScoreValues } from "./declared/evaluate.ts";
import { showRuns, tellUnscored, writeRows } from "./run.ts";
import { scoreAgain } from "../../evaluation/score.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { dataFolder } from "../../catalog/data-folder.ts";

/** Gives the exit code. */
export async function score(
  { data: place, tasks }: ScoreValues,
  [folder]: readonly string[],
  { catalog, terminal, isJson, hubCache }: Surroundings,
): Promise<number> {
  if (folder === undefined) throw new UsageError("score: found no folder, expected the run folder to score.");
  const data = await dataFolder(place, hubCache);
  const scored: ScoredRun[] = [];
  for (const run of await runsIn(folder)) {
    const again = await scoreAgain(run, { catalog, data, taskFile: tasks, onNote: terminal.message.bind(terminal) });
    tellUnscored(terminal, again.record, again.scores);
    scored.push(again);
  }
  await writeRows(folder, scored);
  showRuns(scored, { terminal, isJson });
  return scored.every(({ scores }) => scores.counts.scored === scores.counts.samples) ? completeCode : incompleteCode;
}

/**
 * The run folders to score: the folder itself, or the folders <model>/<task> and <model>/<precision>/<task> below it,
 * or <task> and <precision>/<task> below the folder of one model.
 */
export async function runsIn(folder: string): Promise<readonly string[]> {
  const runs = await runsBelow(folder, runDepth);
  if (runs.length > 0) return runs;
  throw new RunFolderError(
    `${folder}: no run.json in it or in <model>/<task> below it. Give a folder that \`run\` has written.`,
  );
}

/** The run folder itself, or the only one below it. `command`: for the message where there are several. */
export async function oneRunIn(folder: string, command: string): Promise<string> {
  const [only, ...more] = await runsIn(folder);
  if (only !== undefined && more.length === 0) return only;
  const names = [only, ...more].join(", ");
  throw new UsageError(`${command}: ${folder} holds ${more.length + 1} runs, expected one. Name one of: ${names}.`);
}

async function runsBelow(folder: string, depth: number): Promise<readonly string[]> {
  if ((await kindOfFolder(folder)) === "run") return [folder];
  const runs: string[] = [];
  if (depth > 0) for (const inner of await foldersIn(folder)) runs.push(...(await runsBelow(inner, depth - 1)));
  return runs;
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  // the caller reports that there are none
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort();
}
