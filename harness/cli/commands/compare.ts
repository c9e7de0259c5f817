/**
 * `blip2-bench compare`: compares runs on equal samples with the first of them. Folders of several runs are compared
 * run by run.
 */
import { formatBenchComparison } from "../../../reports/findings/bench-comparison-table.ts";
import { formatComparison } from "../../../reports/findings/comparison-table.ts";
import { compareBenches, readBench } from "../../analysis/compare/compare-benches.ts";
import type { Bench } from "../../analysis/compare/compare-benches.ts";
import { compareFolders } from "../../analysis/compare/compare-folders.ts";
import { writeComparison, writeFindings } from "../../analysis/compare/write-comparison.ts";
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
    if (output !== null) await writeFindings(output, new Map([["bench-comparison.json", `${json}\n`]]));
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
