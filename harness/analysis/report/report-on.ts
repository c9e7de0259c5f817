/** Makes a report from folders and writes it. Used by the command `report`, and at the end of a run. */
import { refuseOtherFolder } from "../../../reports/records/report-folder.ts";
import type { Report } from "../../../reports/report/report-data.ts";
import { writeReport } from "../../../reports/write-report.ts";
import { findFolders } from "../../../reports/records/find-folders.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { packageVersion } from "../../catalog/provenance.ts";
import { makeReport } from "./make-report.ts";

export interface ReportRequest {
  readonly catalog: Catalog;
  /** Where checkpoints lie, whose tokenizers tell the texts of tokens. */
  readonly hubCache: string;
  readonly cacheFolder: string;
  /** Absolute path of the report's folder. */
  readonly output: string;
  /** New folder of the data set's files, where they have been moved; null: the folder in each run's record. */
  readonly data: string | null;
  /** Most samples shown of a task. */
  readonly samples: number;
  readonly seed: number;
  /** Called with the number of steps done and of all steps: each folder is inspected, then read. */
  readonly onStep: (done: number, total: number) => void;
}

/**
 * Writes the report. Throws a RunFolderError where no folder holds a run or bench, or the output folder holds something
 * other than a report.
 */
export async function reportOn(folders: readonly string[], request: ReportRequest): Promise<Report> {
  const { output, onStep } = request;
  await refuseOtherFolder(output); // checked first, since reading predictions can take long
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
