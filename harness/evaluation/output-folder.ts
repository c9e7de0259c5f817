/** The folder of several runs: which place each has in it, and what else may be there. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { precisionFolder } from "../../models/checkpoint/precision.ts";
import { isTemporaryName } from "../../reports/records/atomic-file.ts";
import { comparisonNames } from "../../reports/records/findings/comparison.ts";
import { costsNames } from "../../reports/records/findings/costs.ts";
import { isFreeForReport, reportFolderName } from "../../reports/records/report-folder.ts";
import { kindOfFolder, recordName, rowsName } from "../../reports/records/run-files.ts";
import { RunFolderError } from "../../reports/records/run-folder-error.ts";
import type { Pair } from "./verbs.ts";
import type { RunConfig } from "./run-config.ts";

/** The folders below --output that a run is written to where a command makes several. */
export function placeOf(
  { checkpoint, task }: Pick<Pair, "checkpoint" | "task">,
  { precisions }: RunConfig,
): readonly string[] {
  const { name, precision } = checkpoint;
  return [name, ...(precisions.length > 1 ? [precisionFolder(precision)] : []), task.name];
}

/** The folder of the runs with one of several prompts: `prompt-1`. `index`: from 0. */
export function promptFolder(index: number): string {
  return `prompt-${index + 1}`;
}

const ownNames: ReadonlySet<string> = new Set([rowsName, ...costsNames, ...comparisonNames]);

/** Several runs share an output folder: below it there may be runs, the tables and the report of all of them, and nothing else. */
export async function refuseOtherContent({ output }: RunConfig): Promise<void> {
  const kind = await kindOfFolder(output);
  if (kind === "free") return;
  if (kind === "run") {
    throw new RunFolderError(
      `${output}: holds a single run, and this command makes several. Give another folder with --output.`,
    );
  }
  for (const name of await readdir(output)) {
    if (ownNames.has(name) || isTemporaryName(name, ownNames) || (await holdsRunsOnly(join(output, name)))) continue;
    if (name === reportFolderName && (await isFreeForReport(join(output, name)))) continue;
    throw new RunFolderError(
      `${output}: not empty, and ${name} in it holds no run: ${recordName} is missing. Give a new folder with --output.`,
    );
  }
}

/** Whether it is a run folder, a folder of run folders, or of such folders: of a prompt, a model, a precision, a task, its shards. */
async function holdsRunsOnly(folder: string, depth = 5): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => null); // null: no folder
  if (entries?.some(({ name }) => name === recordName) === true) return true;
  if (entries === null || !entries.every((entry) => entry.isDirectory())) return false;
  for (const { name } of entries) {
    const inner = join(folder, name);
    if ((await kindOfFolder(inner)) !== "other") continue;
    if (depth === 1 || !(await holdsRunsOnly(inner, depth - 1))) return false;
  }
  return true;
}
