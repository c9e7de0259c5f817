/** `blip2-bench report`: run and bench folders → one page, its charts, its tables. */
import { join, relative, resolve } from "node:path";
import { pageName, refuseOtherFolder, writeReport } from "../../reports/report/write-report.ts";
import type { Report } from "../../reports/report/report-data.ts";
import type { Catalog } from "../catalog.ts";
import { completeCode } from "../exit-code.ts";
import { refuseExcess, refuseFlagsAsValues, withOutputFlags } from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { packageVersion } from "../provenance.ts";
import { findFolders } from "../report/find-folders.ts";
import { makeReport } from "../report/make-report.ts";
import { integer } from "../run-config.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

interface ReportFlags extends OutputFlags {
  readonly output?: string;
  readonly data?: string;
  readonly samples?: string;
  readonly seed?: string;
}

const defaultSamples = 120; // of a task: a page of a few megabytes
const defaultSeed = 2301; // of the paper's number, arXiv 2301.12597

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
    ...surroundings,
    output,
    data: flags.data === undefined ? null : resolve(flags.data),
    samples: integer("--samples", flags.samples, { from: 0 }) ?? defaultSamples,
    seed: integer("--seed", flags.seed, { from: 0 }) ?? defaultSeed,
  });
  for (const { folder, reasons } of made.apart) terminal.message(`Shown apart: ${folder}: ${reasons.join(" ")}`);
  terminal.result(isJson ? JSON.stringify(resultOf(made, output), null, 2) : describe(made, output));
  return completeCode;
}

interface Request {
  readonly catalog: Catalog;
  readonly terminal: Terminal;
  readonly output: string;
  readonly data: string | null;
  readonly samples: number;
  readonly seed: number;
}

async function reportOn(folders: readonly string[], request: Request): Promise<Report> {
  const { output, terminal } = request;
  await refuseOtherFolder(output); // before hours of predictions are read
  const found = await findFolders(folders);
  let read = 0;
  const onFolder = (): void => {
    read += 1;
    terminal.progress({ run: "report", before: 0, done: read, samples: 2 * found.length, failed: 0 });
  };
  const made = await makeReport(found, { ...request, version: await packageVersion(), onFolder });
  await writeReport(output, made);
  return made.report;
}

/** At the end of a run: a report of its folder, in it. Gives the page. */
export async function reportOfRun(
  folder: string,
  surroundings: Pick<Surroundings, "catalog" | "terminal"> & { readonly data: string | null },
): Promise<string> {
  const output = join(folder, "report");
  await reportOn([folder], { ...surroundings, output, samples: samplesAfterRun, seed: defaultSeed });
  return join(output, pageName);
}

const samplesAfterRun = 48; // enough to look at, soon written

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
