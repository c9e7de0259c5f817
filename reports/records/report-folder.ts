/** The folder of a report: names of its files, and whether a report may be written to a folder. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isTemporaryName } from "./atomic-file.ts";
import { adviceOn, describeSystemCode, RunFolderError, systemCode } from "./run-folder-error.ts";

export const reportFormat = "blip2-bench-report/1";

/** Name of the report's folder inside the output folder of a run. */
export const reportFolderName = "report";

export const pageName = "index.html";
export const reportName = "report.json";
export const markdownName = "report.md";
export const tablesName = "tables";
export const chartsName = "charts";
const ownNames: ReadonlySet<string> = new Set([pageName, reportName, markdownName, tablesName, chartsName]);

/** Throws a RunFolderError where the folder holds anything but a report. Writes nothing. */
export async function refuseOtherFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (systemCode(error) === "ENOENT") return [];
    throw asReportFolderError(folder, error);
  });
  const other = names.find((name) => !ownNames.has(name) && !isTemporaryName(name, ownNames));
  if (other !== undefined) {
    throw new RunFolderError(
      `${folder}: holds other things than a report, such as ${other}. Give a new folder with --output.`,
    );
  }
  const isEmpty = names.every((name) => isTemporaryName(name, ownNames)); // but for what a killed report left
  if (isEmpty || (await isReport(join(folder, reportName)))) return;
  throw new RunFolderError(
    `${folder}: not empty, and no report: no ${reportName} of this version in it. Give a new folder with --output.`,
  );
}

/** Whether the folder is empty, missing, or holds a report, so that a report may be written there. */
export async function isFreeForReport(folder: string): Promise<boolean> {
  return await refuseOtherFolder(folder).then(
    () => true,
    () => false,
  );
}

async function isReport(path: string): Promise<boolean> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.startsWith(`{\n  "format": ${JSON.stringify(reportFormat)}`);
}

export function asReportFolderError(folder: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === null) return error;
  return new RunFolderError(
    `${folder}: cannot be used as a report folder: ${describeSystemCode(code)}. ${adviceOn(code, "Give another folder with --output.")}`,
    { cause: error },
  );
}
