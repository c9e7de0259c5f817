/** Folders → a report that is written: what `report` does, and what a run ends with. */
import { refuseOtherFolder } from "../../../reports/records/report-folder.ts";
import type { Report } from "../../../reports/report/report-data.ts";
import { writeReport } from "../../../reports/write-report.ts";
import { findFolders } from "../../../reports/records/find-folders.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { packageVersion } from "../../catalog/provenance.ts";
import { makeReport } from "./make-report.ts";

export interface ReportRequest {
  readonly catalog: Catalog;
  /** Absolute. */
  readonly output: string;
  /** The folder of the data set's files, where they have moved. */
  readonly data: string | null;
  /** Samples of a task that are shown, at most. */
  readonly samples: number;
  readonly seed: number;
  /** Steps that are done, of how many: each folder is looked at, then read. */
  readonly onStep: (done: number, total: number) => void;
}

/** Throws a RunFolderError where there is nothing to report on, or the output folder holds other things. */
export async function reportOn(folders: readonly string[], request: ReportRequest): Promise<Report> {
  const { output, onStep } = request;
  await refuseOtherFolder(output); // before hours of predictions are read
  const found = await findFolders(folders);
  let done = 0;
  const onFolder = (): void => {
    done += 1;
    onStep(done, 2 * found.length);
  };
  const made = await makeReport(found, { ...request, version: await packageVersion(), onFolder });
  await writeReport(output, made);
  return made.report;
}
