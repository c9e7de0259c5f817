/**
 * `blip2-bench compare`: compares runs on equal samples with the first of them. Folders of several runs are compared
 * run by run.
 */
import { join } from "node:path";
import { writeFileWhole } from "../../../reports/records/atomic-file.ts";
import { formatBenchComparison } from "../../../reports/findings/bench-comparison-table.ts";
import { comparisonNames } from "../../../reports/records/findings/comparison.ts";
import type { Comparison } from "../../../reports/records/findings/comparison.ts";
import {
  comparisonToCsv,
  comparisonToMarkdown,
  flipsToCsv,
  formatComparison,
} from "../../../reports/findings/comparison-table.ts";
import { makeFolder } from "../../../reports/records/make-folder.ts";
import { describeSystemCode, RunFolderError, systemCode } from "../../../reports/records/run-folder-error.ts";
import { compareBenches, readBench } from "../../analysis/compare/compare-benches.ts";
import type { Bench } from "../../analysis/compare/compare-benches.ts";
import { compareFolders } from "../../analysis/compare/compare-folders.ts";
import type { Surroundings } from "../declared-command.ts";
import type { CompareValues } from "./declared/decide.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { runsIn } from "./score.ts";

/** Gives the exit code. `folders`: the base first. */
export async function compare(
  { output, ...options }: CompareValues,
  folders: readonly string[],
  { terminal, isJson }: Surroundings,
): Promise<number> {
  if (folders.length < 2) {
    throw new UsageError(
      `compare: found ${folders.length} folders, expected two or more: the base, then what is compared with it.`,
    );
  }
  const benches = await benchesIn(folders);
  if (benches !== null) {
    const ratios = compareBenches(benches[0]!, benches.slice(1));
    const json = JSON.stringify(ratios, null, 2);
    if (output !== null) await writeFiles(output, new Map([["bench-comparison.json", `${json}\n`]]));
    terminal.result(isJson ? json : formatBenchComparison(ratios));
    return completeCode;
  }
  const [base, ...candidates] = await Promise.all(
    folders.map(async (folder) => ({ folder, runs: await runsIn(folder) })),
  );
  const comparison = await compareFolders(base!, candidates, options);
  if (output !== null) await writeComparison(output, comparison);
  terminal.result(isJson ? JSON.stringify(comparison, null, 2) : formatComparison(comparison));
  return comparison.status === "complete" ? completeCode : incompleteCode;
}

/** The benches in these folders; null: they are folders of runs. Throws a UsageError where only some are benches. */
async function benchesIn(folders: readonly string[]): Promise<readonly Bench[] | null> {
  const found = await Promise.all(folders.map(readBench));
  const benches = found.flatMap((bench) => bench ?? []);
  if (benches.length === 0) return null;
  if (benches.length === folders.length) return benches;
  const run = folders[found.indexOf(null)] ?? "";
  throw new UsageError(`compare: ${run} holds no bench, the others do. Compare runs with runs, benches with benches.`);
}

/** As files of a folder, which is made. Throws a RunFolderError. */
export function writeComparison(folder: string, comparison: Comparison): Promise<void> {
  const [json, csv, markdown, flips] = comparisonNames;
  return writeFiles(
    folder,
    new Map([
      [json, `${JSON.stringify(comparison, null, 2)}\n`],
      [csv, comparisonToCsv(comparison)],
      [markdown, comparisonToMarkdown(comparison)],
      [flips, flipsToCsv(comparison)],
    ]),
  );
}

async function writeFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  try {
    await makeFolder(folder);
    for (const [name, content] of files) await writeFileWhole(join(folder, name), content);
  } catch (error) {
    const code = systemCode(error);
    if (code === null) throw error;
    throw new RunFolderError(
      `${folder}: cannot be written: ${describeSystemCode(code)}. Give another folder with --output.`,
      { cause: error },
    );
  }
}
