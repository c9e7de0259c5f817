/** Finds the folders that a report is made from: the named ones, or the runs and benches below them. */
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { recordName } from "./run-files.ts";
import { systemCode } from "./run-folder-error.ts";

export interface FoundFolder {
  readonly path: string;
  /** `unknown`: there is no run or bench in the folder or below it. */
  readonly kind: "run" | "bench" | "unknown";
}

export const benchName = "bench.json";
/** Of runs below a folder: <prompt>/<model>/<precision>/<task>, the most that `run` makes. */
export const runDepth = 4;

/** Each folder once, in the given order. Files are ignored, since a shell's * lists them, too. */
export async function findFolders(named: readonly string[]): Promise<readonly FoundFolder[]> {
  const found = new Map<string, FoundFolder>();
  for (const name of named) {
    const path = resolve(name);
    if (await isFile(path)) continue;
    const below = await foldersBelow(path, runDepth);
    const folders: readonly FoundFolder[] = below.length > 0 ? below : [{ path, kind: "unknown" }];
    for (const folder of folders) if (!found.has(folder.path)) found.set(folder.path, folder);
  }
  return [...found.values()];
}

async function isFile(path: string): Promise<boolean> {
  return await readdir(path).then(
    () => false,
    (error: unknown) => systemCode(error) === "ENOTDIR",
  );
}

async function foldersBelow(path: string, levels: number): Promise<readonly FoundFolder[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []); // the caller names the folders that cannot be read
  const names = entries.map(({ name }) => name);
  if (names.includes(recordName)) return [{ path, kind: "run" }];
  if (names.includes(benchName)) return [{ path, kind: "bench" }];
  if (levels === 0) return [];
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name));
  const found: FoundFolder[] = [];
  for (const folder of folders.sort()) found.push(...(await foldersBelow(folder, levels - 1)));
  return found;
}
