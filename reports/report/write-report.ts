/**
 * The folder of a report:
 *
 *   index.html          everything, in one file
 *   report.md           the tables, for a pull request
 *   report.json         Report, not rounded (report-data.ts)
 *   tables/<name>.csv   a file a table
 *   charts/<name>.png   a file a chart
 *
 * A report that is there is replaced; a folder that holds anything else is left as it is.
 */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { isTemporaryName, writeFileWhole } from "../records/atomic-file.ts";
import { chartToPng } from "../charts/png.ts";
import { tableToCsv } from "../tables/csv.ts";
import type { Thumbnails } from "../html/gallery.ts";
import { reportToHtml } from "../html/page.ts";
import { makeFolder } from "../records/make-folder.ts";
import { describeSystemCode, RunFolderError, systemCode } from "../records/run-folder-error.ts";
import { reportToMarkdown } from "./markdown.ts";
import { reportFormat } from "./report-data.ts";
import type { Report } from "./report-data.ts";
import { sectionsOf } from "./sections.ts";

export const pageName = "index.html";
export const reportName = "report.json";
const markdownName = "report.md";
const [tablesName, chartsName] = ["tables", "charts"];
const ownNames: ReadonlySet<string> = new Set([pageName, reportName, markdownName, tablesName, chartsName]);

/** Throws a RunFolderError where the folder holds anything but a report. Writes nothing. */
export async function refuseOtherFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (systemCode(error) === "ENOENT") return [];
    throw asFolderError(folder, error);
  });
  const other = names.find((name) => !ownNames.has(name) && !isTemporaryName(name, ownNames));
  if (other !== undefined) {
    throw new RunFolderError(
      `${folder}: holds other things than a report, such as ${other}. Give a new folder with --output.`,
    );
  }
  if (names.length === 0 || (await isReport(join(folder, reportName)))) return;
  throw new RunFolderError(
    `${folder}: not empty, and no report: no ${reportName} of this version in it. Give a new folder with --output.`,
  );
}

/** Whether a report may be written there: a report is there, or nothing. */
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

export async function writeReport(
  folder: string,
  { report, thumbnails }: { readonly report: Report; readonly thumbnails: Thumbnails },
): Promise<void> {
  await refuseOtherFolder(folder);
  try {
    const sections = sectionsOf(report);
    for (const path of [folder, join(folder, tablesName), join(folder, chartsName)]) await makeFolder(path);
    // First, so that a report that was stopped in the middle is known as one, and written over.
    await writeFileWhole(join(folder, reportName), `${JSON.stringify(report, null, 2)}\n`);
    const tables = sections.flatMap((section) => [...section.tables, ...section.folded]);
    const charts = sections.flatMap((section) => section.charts);
    await removeOthers(join(folder, tablesName), new Set(tables.map(({ id }) => `${id}.csv`)));
    await removeOthers(join(folder, chartsName), new Set(charts.map(({ id }) => `${id}.png`)));
    for (const table of tables) await writeFileWhole(join(folder, tablesName, `${table.id}.csv`), tableToCsv(table));
    for (const chart of charts) {
      await writeFileWhole(join(folder, chartsName, `${chart.id}.png`), await chartToPng(chart));
    }
    await writeFileWhole(join(folder, markdownName), reportToMarkdown(report, sections));
    await writeFileWhole(join(folder, pageName), await reportToHtml(report, { sections, thumbnails }));
  } catch (error) {
    throw asFolderError(folder, error);
  }
}

/** Tables and charts of the report that was here before. */
async function removeOthers(folder: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/\.(csv|png)$/.test(name) && !kept.has(name)) await rm(join(folder, name), { force: true });
  }
}

function asFolderError(folder: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === null) return error;
  return new RunFolderError(
    `${folder}: cannot be used as a report folder: ${describeSystemCode(code)}. Give another folder with --output.`,
    { cause: error },
  );
}
