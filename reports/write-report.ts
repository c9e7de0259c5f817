/**
 * Writes the folder of a report:
 *
 *   index.html          everything, in one file
 *   report.md           the tables, for a pull request
 *   report.json         the type Report, not rounded (report-data.ts)
 *   tables/<name>.csv   one file for each table
 *   charts/<name>.png   one file for each chart
 *
 * An existing report is replaced; a folder that holds other files is refused.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileWhole } from "./records/atomic-file.ts";
import { chartToPng } from "./charts/png.ts";
import { tableToCsv } from "./tables/csv.ts";
import type { BesideReport } from "./html/embedded-data.ts";
import { reportToHtml } from "./html/page.ts";
import { makeFolder } from "./records/make-folder.ts";
import {
  asReportFolderError,
  chartsName,
  markdownName,
  pageName,
  refuseOtherFolder,
  reportName,
  tablesName,
} from "./records/report-folder.ts";
import { reportToMarkdown } from "./report/markdown.ts";
import type { Report } from "./report/report-data.ts";
import { sectionsOf } from "./report/sections.ts";

export async function writeReport(
  folder: string,
  { report, ...beside }: { readonly report: Report } & BesideReport,
): Promise<void> {
  await refuseOtherFolder(folder);
  try {
    const sections = sectionsOf(report);
    await makeFolder(folder);
    // Written first, so that the folder of an interrupted report is recognised as a report and can be overwritten.
    await writeFileWhole(join(folder, reportName), `${JSON.stringify(report, null, 2)}\n`);
    for (const name of [tablesName, chartsName]) await makeFolder(join(folder, name));
    const tables = sections.flatMap((section) => [...section.tables, ...section.folded]);
    const charts = sections.flatMap((section) => section.charts);
    await removeOthers(join(folder, tablesName), new Set(tables.map(({ id }) => `${id}.csv`)));
    await removeOthers(join(folder, chartsName), new Set(charts.map(({ id }) => `${id}.png`)));
    for (const table of tables) await writeFileWhole(join(folder, tablesName, `${table.id}.csv`), tableToCsv(table));
    for (const chart of charts) {
      await writeFileWhole(join(folder, chartsName, `${chart.id}.png`), await chartToPng(chart));
    }
    await writeFileWhole(join(folder, markdownName), reportToMarkdown(report, sections));
    await writeFileWhole(join(folder, pageName), await reportToHtml(report, { sections, ...beside }));
  } catch (error) {
    throw asReportFolderError(folder, error);
  }
}

/** Removes tables and charts of an earlier report that this one does not have, and what is left of one that was killed. */
async function removeOthers(folder: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/\.(csv|png)(\.\d+\.tmp)?$/.test(name) && !kept.has(name)) await rm(join(folder, name), { force: true });
  }
}
