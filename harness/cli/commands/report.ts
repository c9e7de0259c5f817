/** `blip2-bench report`: makes one page with charts and tables from run and bench folders. */
import { join, relative, resolve } from "node:path";
import { pageName, reportFolderName } from "../../../reports/records/report-folder.ts";
import type { Report } from "../../../reports/report/report-data.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import type { RunConfig } from "../../evaluation/run-config.ts";
import type { Terminal } from "../terminal.ts";
import { completeCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import { usualReportSeed } from "../options/output.ts";
import type { ReportValues } from "./declared/evaluate.ts";
import { reportOn } from "../../analysis/report/report-on.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { dataFolder } from "../../catalog/data-folder.ts";

/** Gives the exit code. */
export async function report(
  values: ReportValues,
  folders: readonly string[],
  { catalog, terminal, isJson, hubCache, cacheFolder }: Surroundings,
): Promise<number> {
  if (folders.length === 0) {
    throw new UsageError("report: found no folder, expected run or bench folders, such as runs/* bench/*.");
  }
  const { data, samples, seed, output: named } = values;
  const output = named ?? resolve("report");
  const made = await reportOn(folders, {
    catalog,
    hubCache,
    cacheFolder,
    onStep: stepsOn(terminal),
    output,
    data: await dataFolder(data, hubCache),
    samples,
    seed,
  });
  for (const { folder, reasons } of made.apart) terminal.message(`Shown apart: ${folder}: ${reasons.join(" ")}`);
  terminal.result(isJson ? JSON.stringify(resultOf(made, output), null, 2) : describe(made, output));
  return completeCode;
}

const samplesAfterRun = 48; // enough to get an impression, and quickly written

/**
 * Writes a report of a run into its output folder. An error in it is only printed, since the run itself has succeeded.
 */
export async function reportOfRun(
  { output, data: place, cache }: Pick<RunConfig, "output" | "data" | "cache">,
  { catalog, terminal, hubCache }: Pick<Surroundings, "catalog" | "terminal" | "hubCache">,
): Promise<void> {
  const folder = join(output, reportFolderName);
  try {
    const sampled = { samples: samplesAfterRun, seed: usualReportSeed };
    const data = await dataFolder(place, hubCache);
    const places = { catalog, hubCache, cacheFolder: cache, output: folder, data };
    await reportOn([output], { ...places, ...sampled, onStep: stepsOn(terminal) });
    terminal.note(`Report: ${join(folder, pageName)}`);
  } catch (error) {
    if (!(error instanceof RunFolderError)) throw error;
    terminal.message(`No report: ${error.message}`);
  }
}

function stepsOn(terminal: Terminal): (done: number, total: number) => void {
  return (done, total) => {
    terminal.step({ work: "report", done, total, what: "folders" });
  };
}

function describe({ runs, benches, apart }: Report, output: string): string {
  const points = benches.reduce((sum, bench) => sum + bench.points.length, 0);
  const parts = [counted(runs.length, "run"), counted(points, "bench point")];
  if (apart.length > 0) parts.push(`${counted(apart.length, "folder")} shown apart`);
  const page = relative(process.cwd(), join(output, pageName));
  return `${page}: ${parts.join(", ")}`;
}

function counted(count: number, what: string): string {
  return `${count} ${count === 1 ? what : `${what}s`}`;
}

function resultOf({ runs, benches, apart }: Report, output: string): object {
  return {
    format: "blip2-bench-report-written/1",
    output,
    page: join(output, pageName),
    runs: runs.map(({ id, folder }) => ({ id, folder })),
    benches: benches.map(({ id, folder, points }) => ({ id, folder, points: points.length })),
    apart: apart.map(({ folder, reasons }) => ({ folder, reasons })),
  };
}
