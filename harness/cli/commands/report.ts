/** `blip2-bench report`: run and bench folders → one page, its charts, its tables. */
import { join, relative, resolve } from "node:path";
import { pageName, reportFolderName } from "../../../reports/records/report-folder.ts";
import type { Report } from "../../../reports/report/report-data.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import type { RunConfig } from "../../evaluation/run-config.ts";
import type { Terminal } from "../terminal.ts";
import { completeCode } from "../exit-code.ts";
import { refuseExcess, refuseFlagsAsValues, withOutputFlags } from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { defaultSeed, reportOn } from "../../analysis/report/report-on.ts";
import { integer } from "../../catalog/flag-values.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { dataFolder, readDataPlace } from "../../catalog/data-folder.ts";

interface ReportFlags extends OutputFlags {
  readonly output?: string;
  readonly data?: string;
  readonly samples?: string;
  readonly seed?: string;
}

const defaultSamples = 120; // of a task: a page of a few megabytes

export const addReport: AddCommand = (program, called) => {
  const command = program.command("report").description("make a page, charts and tables of run and bench folders");
  command
    .argument("[folders...]")
    .option("-o, --output <folder>", "the report's folder (default: report)")
    .option("--data <folder>", "the data set's files, where they have moved")
    .option("--samples <n>", `samples of a task to show; 0 is none (default: ${defaultSamples})`)
    .option("--seed <n>", `which samples are drawn (default: ${defaultSeed})`);
  withOutputFlags(command).action(() => {
    refuseExcess(command, Number.POSITIVE_INFINITY);
    refuseFlagsAsValues(command);
    const folders = command.args;
    if (folders.length === 0) {
      throw new UsageError("report: found no folder, expected run or bench folders, such as runs/* bench/*.");
    }
    const flags = command.opts<ReportFlags>();
    called({ flags, perform: (surroundings) => report(folders, flags, surroundings) });
  });
};

/** Gives the exit code. */
async function report(folders: readonly string[], flags: ReportFlags, surroundings: Surroundings): Promise<number> {
  const { terminal, isJson } = surroundings;
  const output = resolve(flags.output ?? "report");
  const made = await reportOn(folders, {
    catalog: surroundings.catalog,
    onStep: stepsOn(terminal),
    output,
    data: await dataFolder(readDataPlace("--data", flags.data), surroundings.hubCache),
    samples: integer("--samples", flags.samples, { from: 0 }) ?? defaultSamples,
    seed: integer("--seed", flags.seed, { from: 0 }) ?? defaultSeed,
  });
  for (const { folder, reasons } of made.apart) terminal.message(`Shown apart: ${folder}: ${reasons.join(" ")}`);
  terminal.result(isJson ? JSON.stringify(resultOf(made, output), null, 2) : describe(made, output));
  return completeCode;
}

const samplesAfterRun = 48; // enough to look at, soon written

/** A report of a run's output folder, in it. The run has its scores: where the report fails, that is said and no more. */
export async function reportOfRun(
  { output, data: place }: Pick<RunConfig, "output" | "data">,
  { catalog, terminal, hubCache }: Pick<Surroundings, "catalog" | "terminal" | "hubCache">,
): Promise<void> {
  const folder = join(output, reportFolderName);
  try {
    const sampled = { samples: samplesAfterRun, seed: defaultSeed };
    const data = await dataFolder(place, hubCache);
    await reportOn([output], { catalog, output: folder, data, ...sampled, onStep: stepsOn(terminal) });
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
