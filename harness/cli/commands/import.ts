/** `blip2-bench import`: a run of results that another program wrote. */
import { join, resolve } from "node:path";
import { UsageError } from "../../catalog/usage-error.ts";
import { fileNamePart } from "../../samples/export/export-format.ts";
import { importRun } from "../../samples/import/import-run.ts";
import type { Surroundings } from "../declared-command.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import type { ImportValues } from "./declared/samples.ts";
import { showRuns, writeRows } from "./run.ts";

/** Gives the exit code. */
export async function importResults(
  values: ImportValues,
  [file]: readonly string[],
  { catalog, terminal, isJson, hubCache }: Surroundings,
): Promise<number> {
  if (file === undefined) throw new UsageError("import: found no file, expected a file of results.");
  const { tasks = [], modelName, partial, output: named, ...choice } = values;
  const [task, ...more] = tasks;
  if (task === undefined || more.length > 0) {
    throw new UsageError(`--tasks: found ${tasks.length} tasks, expected the one that the answers in ${file} are of.`);
  }
  if (modelName === undefined) {
    throw new UsageError("--model-name: found none, expected what the model is called in tables.");
  }
  const output = named ?? resolve(join("runs", fileNamePart(modelName)));
  const run = await importRun(file, { ...choice, task, modelName, isPartial: partial, output }, { catalog, hubCache });
  await writeRows(output, [run]);
  showRuns([run], { terminal, isJson });
  terminal.note(`Imported into ${output}`);
  const { missing, failed } = run.scores.counts;
  return missing + failed === 0 ? completeCode : incompleteCode;
}
