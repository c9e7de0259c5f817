/** Runs that are not whole: neither a baseline nor anything that may pass. */
import { readRunRecord } from "../../../reports/records/run-files.ts";

/** A line for each of them. */
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
