/** `blip2-bench baseline`: writes scored runs into one small file for git, which `gate` holds later runs against. */
import { resolve } from "node:path";
import { baselineText } from "../../../reports/records/findings/baseline.ts";
import type { BaselineRun } from "../../../reports/records/findings/baseline.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import { runName } from "../../../reports/records/run-record.ts";
import { writeOutputFile } from "../../../reports/records/write-output.ts";
import { readComparable } from "../../analysis/compare/comparable-runs.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import type { BaselineValues } from "./declared/decide.ts";
import { partialRuns } from "../../analysis/gate/partial-runs.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { runsIn } from "./score.ts";

/** Gives the exit code. */
export async function baseline(
  { output }: BaselineValues,
  folders: readonly string[],
  { terminal, isJson }: Surroundings,
): Promise<number> {
  if (folders.length === 0)
    throw new UsageError("baseline: found no folder, expected one or several that `run` wrote.");
  if (output === undefined) throw new UsageError("baseline: --output is missing, expected the file to write.");
  const paths = [...new Set((await Promise.all(folders.map(runsIn))).flat())];
  const partial = await partialRuns(paths);
  if (partial.length > 0) {
    terminal.error(`baseline: a partial run is no baseline:\n${partial.map((line) => `  ${line}`).join("\n")}`);
    return incompleteCode;
  }
  const runs: BaselineRun[] = [];
  const seen = new Map<string, string>();
  for (const path of paths) {
    const { record, scores } = await readComparable(path, false);
    const name = runName(record);
    const other = seen.get(name);
    if (other !== undefined) {
      throw new RunFolderError(`${path}: is ${name}, as ${other} is. Keep one of them.`);
    }
    seen.set(name, path);
    runs.push({ record, scores });
  }
  const text = baselineText(runs);
  await writeOutputFile(resolve(output), "Give another file with --output.", text);
  const about = { output, runs: [...seen.keys()], sizeBytes: Buffer.byteLength(text) };
  const list = about.runs.map((name) => `  ${name}`).join("\n");
  terminal.result(isJson ? JSON.stringify(about, null, 2) : `${output}: ${about.sizeBytes} bytes, of\n${list}`);
  return completeCode;
}
