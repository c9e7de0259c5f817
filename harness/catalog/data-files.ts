/** The files a split was read from, as run.json names them: a run goes on, and is scored, only where their bytes have not changed. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { textNames } from "../../datasets/own/text-rows.ts";
import { parquetFingerprint } from "../../datasets/parquet/fingerprint.ts";
import type { RunPlan } from "../../reports/records/run-record.ts";

type DataFile = RunPlan["data"]["files"][number];

/**
 * In their order. Of a parquet file all but the images counts, see fingerprint.ts. A folder stands for the texts in it that
 * lie beside images, and counts as one file.
 */
export async function describeDataFiles(paths: readonly string[]): Promise<readonly DataFile[]> {
  const files: DataFile[] = [];
  for (const path of paths) {
    const found = await stat(path);
    if (found.isDirectory()) {
      files.push({ name: nameAmong(path, paths), ...(await describeTexts(path)) });
      continue;
    }
    const sha256 = path.endsWith(".parquet") ? await parquetFingerprint(path) : await sha256Of(path);
    files.push({ name: nameAmong(path, paths), sha256, sizeBytes: found.size });
  }
  return files;
}

async function describeTexts(folder: string): Promise<Pick<DataFile, "sha256" | "sizeBytes">> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for (const name of await textNames(folder)) {
    const bytes = await readFile(join(folder, name));
    sizeBytes += bytes.length;
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  return { sha256: hash.digest("hex"), sizeBytes };
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
