/** A comparison as files: whole as JSON, as tables, and the samples whose score differs. */
import { join } from "node:path";
import { comparisonToCsv, comparisonToMarkdown, flipsToCsv } from "../../../reports/findings/comparison-table.ts";
import { writeFileWhole } from "../../../reports/records/atomic-file.ts";
import { comparisonNames } from "../../../reports/records/findings/comparison.ts";
import type { Comparison } from "../../../reports/records/findings/comparison.ts";
import { makeFolder } from "../../../reports/records/make-folder.ts";
import { writeOutput } from "../../../reports/records/write-output.ts";

/** As files of a folder, which is made. Throws a RunFolderError. */
export function writeComparison(folder: string, comparison: Comparison): Promise<void> {
  const [json, csv, markdown, flips] = comparisonNames;
  return writeFindings(
    folder,
    new Map([
      [json, `${JSON.stringify(comparison, null, 2)}\n`],
      [csv, comparisonToCsv(comparison)],
      [markdown, comparisonToMarkdown(comparison)],
      [flips, flipsToCsv(comparison)],
    ]),
  );
}

/** Files of a folder, by name. Throws a RunFolderError. */
export function writeFindings(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  return writeOutput(folder, "Give another folder with --output.", async () => {
    await makeFolder(folder);
    for (const [name, content] of files) await writeFileWhole(join(folder, name), content);
  });
}
