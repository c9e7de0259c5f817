/** `blip2-bench export`: a run in the form of another tool's files. */
import { resolve } from "node:path";
import { dataFolder } from "../../catalog/data-folder.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { exportFormats, exportRun } from "../../samples/export/export-run.ts";
import type { Surroundings } from "../declared-command.ts";
import { completeCode } from "../exit-code.ts";
import type { ExportValues } from "./declared/samples.ts";
import { oneRunIn } from "./score.ts";

/** Gives the exit code. */
export async function exportAs(
  { as, data, output: named, partial, overwrite }: ExportValues,
  [folder]: readonly string[],
  { catalog, terminal, isJson, hubCache }: Surroundings,
): Promise<number> {
  if (folder === undefined) throw new UsageError("export: found no folder, expected the run folder to export.");
  const format = exportFormats.find(({ name }) => name === as);
  if (format === undefined) {
    const names = exportFormats.map(({ name, about }) => `  ${name}: ${about}`).join("\n");
    throw new UsageError(`--as: found no format, expected one of:\n${names}`);
  }
  const path = await oneRunIn(folder, "export");
  const output = named ?? resolve("export");
  const places = { catalog, data: await dataFolder(data, hubCache) };
  const { files, missing } = await exportRun(path, { ...places, format, output, isPartial: partial, overwrite });
  if (isJson) {
    terminal.result(JSON.stringify({ format: "blip2-bench-export/1", as, run: path, files, missing }, null, 2));
    return completeCode;
  }
  for (const { path: file, about } of files) terminal.result(`${file}: ${about}`);
  if (missing > 0)
    terminal.note(`${missing} samples are missing in these files: an evaluator or server may refuse them.`);
  return completeCode;
}
