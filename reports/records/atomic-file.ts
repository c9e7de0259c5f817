/**
 * Replaces a file atomically: after a crash either the old or the new content is there, never a part. The new content
 * is written to a temporary file in the same folder, flushed to disk and renamed; then the folder is flushed, so that
 * the new name is on disk, too.
 */
import { createHash } from "node:crypto";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

/** Stands for this machine in names: other machines may write into the folder, and their processes have ids of their own. */
const machine = `h${createHash("sha256").update(hostname()).digest("hex").slice(0, 8)}`;

/** Path of a temporary file beside the file, used by one process only. After a crash the next write of the file removes it. */
export function temporaryPath(path: string, pid = process.pid): string {
  return `${path}.${machine}.${pid}.tmp`;
}

/** Earlier versions wrote names without a machine. */
const temporaryName = /^(.+?)(?:\.(h[0-9a-f]{8}))?\.(\d+)\.tmp$/;

/** Whether `name` is a temporary name of one of these files. */
export function isTemporaryName(name: string, of: ReadonlySet<string>): boolean {
  const [, base] = temporaryName.exec(name) ?? [];
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

/** No file takes longer to write. */
const abandonedMs = 3_600_000;

/**
 * Removes temporary files of processes that were killed while they wrote this file; those of running ones stay. Whether a
 * process of another machine runs is not known here: its file is removed when an hour has passed since it was written to.
 */
export async function removeLeftBehind(path: string): Promise<void> {
  const names = await readdir(dirname(path)).catch((): string[] => []);
  for (const name of names) {
    const [, base, on, pid] = temporaryName.exec(name) ?? [];
    if (base !== basename(path)) continue;
    const left = join(dirname(path), name);
    const isLeft = on === machine ? !isRunning(Number(pid)) : await isAbandoned(left);
    if (isLeft) await rm(left, { force: true }).catch(() => undefined); // not ours to remove
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found !== null && Date.now() - found.mtimeMs > abandonedMs;
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
