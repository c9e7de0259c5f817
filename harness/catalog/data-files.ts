/** The files a split was read from, as run.json names them: a run goes on, and is scored, on the same bytes only. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { parquetFingerprint } from "../../datasets/parquet/fingerprint.ts";
import type { RunPlan } from "../../reports/records/run-record.ts";

type DataFile = RunPlan["data"]["files"][number];

/** In their order. Of a parquet file all but the images counts, see fingerprint.ts. */
export async function describeDataFiles(paths: readonly string[]): Promise<readonly DataFile[]> {
  const files: DataFile[] = [];
  for (const path of paths) {
    const sha256 = path.endsWith(".parquet") ? await parquetFingerprint(path) : await sha256Of(path);
    files.push({ name: nameAmong(path, paths), sha256, sizeBytes: (await stat(path)).size });
  }
  return files;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** With its folder where another of the files is called the same: GQA's mirror has questions and images in such. */
function nameAmong(path: string, paths: readonly string[]): string {
  const name = basename(path);
  const isAlone = paths.every((other) => other === path || basename(other) !== name);
  return isAlone ? name : `${basename(dirname(path))}/${name}`;
}
