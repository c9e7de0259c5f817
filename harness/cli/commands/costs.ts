/**
 * `blip2-bench costs`: shows from runs on disk what each precision costs in score and gains in speed. No model is
 * loaded.
 */
import { costsJson } from "../../../reports/records/findings/costs.ts";
import { formatCosts } from "../../../reports/findings/costs-table.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import { costsOf } from "../../analysis/costs/costs.ts";
import { writeCosts } from "../../analysis/costs/write-costs.ts";
import { completeCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import type { CostsValues } from "./declared/decide.ts";
import { runsIn } from "./score.ts";
import { UsageError } from "../../catalog/usage-error.ts";

/** Gives the exit code. */
export async function costs(
  { output }: CostsValues,
  folders: readonly string[],
  { terminal, isJson }: Surroundings,
): Promise<number> {
  if (folders.length === 0) throw new UsageError("costs: found no folder, expected one or several that `run` wrote.");
  const found = await Promise.all(folders.map(runsIn));
  const all = await costsOf([...new Set(found.flat())]);
  if (all.rows.length === 0) {
    const reasons = all.notes.map(({ run, reason }) => `  ${run}: ${reason}`);
    throw new RunFolderError([`costs: no finished run in ${folders.join(", ")}:`, ...reasons].join("\n"));
  }
  const [only] = folders;
  const folder = output ?? (folders.length === 1 ? only : undefined);
  if (folder !== undefined) await writeCosts(folder, all);
  terminal.result(isJson ? costsJson(all).trimEnd() : formatCosts(all));
  return completeCode;
}
