/**
 * Replaces a file atomically: after a crash either the old or the new content is there, never a part. The new content
 * is written to a temporary file in the same folder, flushed to disk and renamed; then the folder is flushed, so that
 * the new name is on disk, too.
 */
import { open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Path of a temporary file beside the file, used by this process only. After a crash the next write of the file removes it. */
export function temporaryPath(path: string): string {
  return `${path}.${process.pid}.tmp`;
}

/** Whether `name` is a temporary name of one of these files. */
export function isTemporaryName(name: string, of: ReadonlySet<string>): boolean {
  const [, base] = /^(.+)\.\d+\.tmp$/.exec(name) ?? [];
  return base !== undefined && of.has(base);
}

export async function writeFileWhole(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to report
    throw error;
  }
  await flushFolder(dirname(path));
  await removeLeftBehind(path);
}

/** Removes temporary files of processes that were killed while they wrote this file; those of running ones stay. */
export async function removeLeftBehind(path: string): Promise<void> {
  const names = await readdir(dirname(path)).catch((): string[] => []);
  const of = new Set([basename(path)]);
  for (const name of names.filter((each) => isTemporaryName(each, of))) {
    const pid = Number(name.split(".").at(-2));
    if (!isRunning(pid)) await rm(join(dirname(path), name), { force: true }).catch(() => undefined); // not ours to remove
  }
}

/** Whether a process of this machine has this id, of any user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH"); // EPERM: another user's
  }
}

async function flushFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    // Not every file system can flush folders (Windows cannot open them); the file itself is complete in any case.
  }
}
