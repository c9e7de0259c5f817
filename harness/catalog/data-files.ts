/** The files a split was read from, as run.json names them: a run goes on, and is scored, on the same bytes only. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import type { RunPlan } from "../../reports/records/run-record.ts";

type DataFile = RunPlan["data"]["files"][number];

export async function describeDataFiles(paths: readonly string[]): Promise<readonly DataFile[]> {
  const files: DataFile[] = [];
  for (const path of paths) {
    const hash = createHash("sha256");
    await pipeline(createReadStream(path), hash);
    files.push({ name: basename(path), sha256: hash.digest("hex"), sizeBytes: (await stat(path)).size });
  }
  return files;
}
