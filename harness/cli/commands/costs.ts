/** `blip2-bench costs`: what precisions cost, of runs that are on disk. No model is loaded. */
import { costsJson } from "../../../reports/records/findings/costs.ts";
import { formatCosts } from "../../../reports/findings/costs-table.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import { costsOf } from "../../analysis/costs/costs.ts";
import { writeCosts } from "../../analysis/costs/write-costs.ts";
import { completeCode } from "../exit-code.ts";
import { refuseFlagsAsValues, unknownFlag, withOutputFlags } from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { runsIn } from "./score.ts";
import { UsageError } from "../../catalog/usage-error.ts";

interface CostsFlags extends OutputFlags {
  readonly output?: string;
}

export const addCosts: AddCommand = (program, called) => {
  const command = program
    .command("costs")
    .description("what precisions cost: scores, agreement with fp32, speed, size, memory of runs on disk");
  command.argument("[folders...]");
  command.option("-o, --output <folder>", "where costs.json and costs.csv go (default: the folder, where it is one)");
  withOutputFlags(command).action(() => {
    const flag = command.args.find((word) => word.startsWith("-"));
    if (flag !== undefined) throw unknownFlag(flag, "costs", command);
    refuseFlagsAsValues(command);
    const folders = command.args;
    if (folders.length === 0) throw new UsageError("costs: found no folder, expected one or several that `run` wrote.");
    const flags = command.opts<CostsFlags>();
    called({ flags, perform: (surroundings) => showCosts(folders, flags, surroundings) });
  });
};

/** Gives the exit code. */
async function showCosts(
  folders: readonly string[],
  { output }: CostsFlags,
  { terminal, isJson }: Surroundings,
): Promise<number> {
  const found = await Promise.all(folders.map(runsIn));
  const costs = await costsOf([...new Set(found.flat())]);
  if (costs.rows.length === 0) {
    const reasons = costs.notes.map(({ run, reason }) => `  ${run}: ${reason}`);
    throw new RunFolderError([`costs: no finished run in ${folders.join(", ")}:`, ...reasons].join("\n"));
  }
  const [only] = folders;
  const folder = output ?? (folders.length === 1 ? only : undefined);
  if (folder !== undefined) await writeCosts(folder, costs);
  terminal.result(isJson ? costsJson(costs).trimEnd() : formatCosts(costs));
  return completeCode;
}
