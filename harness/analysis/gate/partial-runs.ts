/** Finds runs that are not complete: they cannot become a baseline or pass a gate. */
import { readRunRecord } from "../../../reports/records/run-files.ts";

/** A sentence for each incomplete run. */
export async function partialRuns(folders: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const folder of folders) {
    const { status, counts } = await readRunRecord(folder);
    const { samples, predicted, failed } = counts;
    if (status === "complete" && samples > 0 && predicted === samples) continue;
    lines.push(`${folder}: is ${status}, ${predicted} of ${samples} samples predicted, ${failed} failed.`);
  }
  return lines;
}
