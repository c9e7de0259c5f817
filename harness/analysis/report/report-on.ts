/** Folders → a report that is written: what `report` does, and what a run ends with. */
import { join } from "node:path";
import type { Report } from "../../../reports/report/report-data.ts";
import { pageName, refuseOtherFolder, writeReport } from "../../../reports/report/write-report.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import type { Surroundings } from "../../cli/flags.ts";
import { packageVersion } from "../../catalog/provenance.ts";
import type { RunConfig } from "../../evaluation/run-config.ts";
import { findFolders } from "./find-folders.ts";
import { makeReport } from "./make-report.ts";

export interface ReportRequest extends Pick<Surroundings, "catalog" | "terminal"> {
  /** Absolute. */
  readonly output: string;
  /** The folder of the data set's files, where they have moved. */
  readonly data: string | null;
  /** Samples of a task that are shown, at most. */
  readonly samples: number;
  readonly seed: number;
}

export const defaultSeed = 2301; // of the paper's number, arXiv 2301.12597

/** Throws a RunFolderError where there is nothing to report on, or the output folder holds other things. */
export async function reportOn(folders: readonly string[], request: ReportRequest): Promise<Report> {
  const { output, terminal } = request;
  await refuseOtherFolder(output); // before hours of predictions are read
  const found = await findFolders(folders);
  const total = 2 * found.length; // each is looked at, then read
  let done = 0;
  const onFolder = (): void => {
    done += 1;
    terminal.step({ work: "report", done, total, what: "folders" });
  };
  const made = await makeReport(found, { ...request, version: await packageVersion(), onFolder });
  await writeReport(output, made);
  return made.report;
}

/** In the output folder of a run. */
export const reportFolderName = "report";

const samplesAfterRun = 48; // enough to look at, soon written

/** A report of a run's output folder, in it. The run has its scores: where the report fails, that is said and no more. */
export async function reportOfRun(
  { output, data }: Pick<RunConfig, "output" | "data">,
  { catalog, terminal }: Pick<Surroundings, "catalog" | "terminal">,
): Promise<void> {
  const folder = join(output, reportFolderName);
  try {
    const request = { catalog, terminal, output: folder, data, samples: samplesAfterRun, seed: defaultSeed };
    await reportOn([output], request);
    terminal.note(`Report: ${join(folder, pageName)}`);
  } catch (error) {
    if (!(error instanceof RunFolderError)) throw error;
    terminal.message(`No report: ${error.message}`);
  }
}
