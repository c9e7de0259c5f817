/**
 * `blip2-bench compare`: runs of the same samples against the first of them. Folders of several runs are compared run by run.
 */
import { join, resolve } from "node:path";
import { writeFileWhole } from "../../reports/atomic-file.ts";
import type { Comparison } from "../../reports/comparison.ts";
import { comparisonToCsv, comparisonToMarkdown, flipsToCsv, formatComparison } from "../../reports/comparison-table.ts";
import { makeFolder } from "../../reports/make-folder.ts";
import { describeSystemCode, RunFolderError, systemCode } from "../../reports/run-folder-error.ts";
import { compareFolders } from "../compare/compare-folders.ts";
import type { FolderOptions } from "../compare/compare-folders.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import { refuseExcess, refuseFlagsAsValues, withOutputFlags } from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { UsageError } from "../usage-error.ts";
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
  const command = program.command("compare").description("compare runs of the same samples with the first of them");
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
  const [base, ...candidates] = await Promise.all(
    folders.map(async (folder) => ({ folder, runs: await runsIn(folder) })),
  );
  const comparison = await compareFolders(base!, candidates, options);
  if (output !== null) await writeComparison(output, comparison);
  terminal.result(isJson ? JSON.stringify(comparison, null, 2) : formatComparison(comparison));
  return comparison.status === "complete" ? completeCode : incompleteCode;
}

async function writeComparison(folder: string, comparison: Comparison): Promise<void> {
  try {
    await makeFolder(folder);
    await writeFileWhole(join(folder, "comparison.json"), `${JSON.stringify(comparison, null, 2)}\n`);
    await writeFileWhole(join(folder, "comparison.csv"), comparisonToCsv(comparison));
    await writeFileWhole(join(folder, "comparison.md"), comparisonToMarkdown(comparison));
    await writeFileWhole(join(folder, "flips.csv"), flipsToCsv(comparison));
  } catch (error) {
    const code = systemCode(error);
    if (code === null) throw error;
    throw new RunFolderError(
      `${folder}: cannot be written: ${describeSystemCode(code)}. Give another folder with --output.`,
      { cause: error },
    );
  }
}
