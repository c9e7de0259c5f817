/**
 * `blip2-bench compare`: runs of the same samples against the first of them. Folders of several runs are compared run by run.
 */
import { join, resolve } from "node:path";
import { writeFileWhole } from "../../../reports/records/atomic-file.ts";
import { formatBenchComparison } from "../../../reports/findings/bench-comparison-table.ts";
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
import type { FolderOptions } from "../../analysis/compare/compare-folders.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import { refuseExcess, refuseFlagsAsValues, withOutputFlags } from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { runsIn } from "./score.ts";

interface CompareFlags extends OutputFlags {
  readonly output?: string;
  readonly permutations?: string;
  readonly bootstrap?: string;
  readonly seed?: string;
  readonly allowPartial?: boolean;
}

const defaultDraws = 10000; // a p-value of 5 % then has a standard error of 0.2 points: sqrt(0.05 × 0.95 / 10000)

export const addCompare: AddCommand = (program, called) => {
  const command = program
    .command("compare")
    .description("compare runs of the same samples, or benches, with the first of them");
  command.argument("[base]").argument("[candidates...]");
  withOutputFlags(command)
    .option("-o, --output <folder>", "writes comparison.json, .csv and .md, and flips.csv there")
    .option("--permutations <n>", `sign patterns of the permutation test (default: ${defaultDraws})`)
    .option("--bootstrap <n>", `draws of the bootstrap; 0 leaves it out where it is not needed (default: 0)`)
    .option("--seed <n>", "of what is drawn (default: 0)")
    .option("--allow-partial", "compare the samples and runs that both have, where they have not the same")
    .action(() => {
      refuseExcess(command, Infinity);
      refuseFlagsAsValues(command);
      const [base, ...candidates] = command.args;
      if (base === undefined || candidates.length === 0) {
        throw new UsageError(
          `compare: found ${command.args.length} folders, expected two or more: the base, then what is compared with it.`,
        );
      }
      const flags = command.opts<CompareFlags>();
      const options = optionsOf(flags);
      const output = flags.output === undefined ? null : resolve(flags.output);
      called({
        flags,
        perform: (surroundings) => compare([base, ...candidates], { ...surroundings, options, output }),
      });
    });
};

function optionsOf({ permutations, bootstrap, seed, allowPartial }: CompareFlags): FolderOptions {
  return {
    permutations: wholeNumber("--permutations", permutations ?? String(defaultDraws), { least: 100, most: 1e6 }),
    bootstrap: wholeNumber("--bootstrap", bootstrap ?? "0", { least: 0, most: 1e6 }),
    seed: wholeNumber("--seed", seed ?? "0", { least: 0, most: 2 ** 32 - 1 }),
    allowPartial: allowPartial === true,
  };
}

function wholeNumber(flag: string, text: string, { least, most }: { least: number; most: number }): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`${flag}: found "${text}", expected a whole number from ${least} to ${most}.`);
}

/** Gives the exit code. `folders`: the base first. */
async function compare(
  folders: readonly string[],
  surroundings: Pick<Surroundings, "terminal" | "isJson"> & {
    readonly options: FolderOptions;
    readonly output: string | null;
  },
): Promise<number> {
  const { terminal, isJson, options, output } = surroundings;
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

/** null: they are folders of runs. Throws a UsageError where only some are benches. */
async function benchesIn(folders: readonly string[]): Promise<readonly Bench[] | null> {
  const found = await Promise.all(folders.map(readBench));
  const benches = found.flatMap((bench) => bench ?? []);
  if (benches.length === 0) return null;
  if (benches.length === folders.length) return benches;
  const run = folders[found.indexOf(null)] ?? "";
  throw new UsageError(`compare: ${run} holds no bench, the others do. Compare runs with runs, benches with benches.`);
}

function writeComparison(folder: string, comparison: Comparison): Promise<void> {
  return writeFiles(
    folder,
    new Map([
      ["comparison.json", `${JSON.stringify(comparison, null, 2)}\n`],
      ["comparison.csv", comparisonToCsv(comparison)],
      ["comparison.md", comparisonToMarkdown(comparison)],
      ["flips.csv", flipsToCsv(comparison)],
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
