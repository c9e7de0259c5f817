/**
 * One process writes in a run folder at a time: `run.lock` says which. A lock whose process is gone is taken over; so a
 * killed run needs no mending by hand.
 */
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { temporaryPath } from "./atomic-file.ts";
import { RunFolderError } from "./run-folder-error.ts";

export const lockName = "run.lock";

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the process was started, in the kernel's own count: process ids are used again, in containers at once. */
  readonly started: string | null;
}

/** A lock is written right after it is made; one that is empty for so long belongs to a process killed in between. */
const emptyLockMs = 10_000;

/** Gives the function that unlocks the folder again. Throws a RunFolderError where another process holds it. */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, lockName);
  const started = (await statusOf(process.pid))?.started ?? null;
  const owner: Owner = { pid: process.pid, host: hostname(), started };
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      await writeFile(path, JSON.stringify(owner), { flag: "wx" });
      return () => rm(path, { force: true });
    } catch (error) {
      if (!isErrno(error, "EEXIST")) {
        await rm(path, { force: true }).catch(() => undefined); // an empty one, where the disk is full
        throw error;
      }
    }
    await removeIfStale(folder, path);
  }
  throw new RunFolderError(`${folder}: another process is starting a run here. Wait for it, or give another --output.`);
}

async function removeIfStale(folder: string, path: string): Promise<void> {
  const found = await readLock(path);
  if (found === null) return;
  const owner = parseOwner(found.text);
  if (owner === null ? Date.now() - found.writtenMs < emptyLockMs : await isHeld(owner)) {
    const who = owner === null ? "another process" : `process ${owner.pid} on ${owner.host}`;
    throw new RunFolderError(
      `${folder}: in use by ${who}. Wait for it, or give another --output. If it is not running any more, delete ${path}.`,
    );
  }
  // Two processes may find one stale lock: the file that is moved away must be the stale one, not the new lock of the other.
  const aside = temporaryPath(path);
  try {
    await rename(path, aside);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    throw error;
  }
  if ((await readFile(aside, "utf8")) === found.text) await rm(aside, { force: true });
  else await rename(aside, path);
}

async function readLock(path: string): Promise<{ text: string; writtenMs: number } | null> {
  try {
    return { text: await readFile(path, "utf8"), writtenMs: (await stat(path)).mtimeMs };
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null; // its process gave it up after it was seen
    throw error;
  }
}

function parseOwner(text: string): Owner | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return null;
    if (!("pid" in value) || !("host" in value) || !("started" in value)) return null;
    const { pid, host, started } = value;
    if (typeof pid !== "number" || typeof host !== "string") return null;
    return { pid, host, started: typeof started === "string" ? started : null };
  } catch {
    return null; // cut short by a crash
  }
}

/** On another machine nothing can be asked, so its lock counts. */
async function isHeld({ pid, host, started }: Owner): Promise<boolean> {
  if (host !== hostname()) return true;
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (isErrno(error, "ESRCH")) return false;
    // EPERM: somebody else's process, but a process.
  }
  const now = await statusOf(pid);
  if (now?.state === "Z") return false; // killed, and its parent has not asked how it ended
  return started === null || now === null || started === now.started;
}

interface ProcessStatus {
  readonly state: string;
  /** Clock ticks from boot to the start of the process. */
  readonly started: string;
}

/** Fields 3 and 22 of /proc/<pid>/stat, see proc(5). Null where there is no /proc. */
async function statusOf(pid: number): Promise<ProcessStatus | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    const fromThird = text.slice(text.lastIndexOf(")") + 2).split(" "); // the second is a name, which may hold spaces
    const [state = ""] = fromThird;
    return { state, started: fromThird[19] ?? "" };
  } catch {
    return null;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
