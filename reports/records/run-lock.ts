/**
 * Lets only one process write to a run folder at a time; `run.lock` says which. The lock of a process that no longer
 * exists is taken over, so after a killed run nothing must be cleaned up by hand. Whether a process of another machine
 * exists cannot be known, so its lock stays, unless both processes are one task of a scheduler, which starts a task again
 * only when it has ended.
 */
import { link, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { isRunning, removeLeftBehind, temporaryPath } from "./atomic-file.ts";
import { RunFolderError } from "./run-folder-error.ts";

export const lockName = "run.lock";

/** A task that a scheduler of a cluster starts, and starts again on another machine when its machine fails. */
export interface SchedulerTask {
  /** Different from that of every other task: `slurm:17_3`, `kubernetes:<job uid>/3`. */
  readonly id: string;
  /** How often it was started again; null: the scheduler does not say, so any other machine is a later start. */
  readonly restarts: number | null;
}

interface Owner {
  readonly pid: number;
  readonly host: string;
  /**
   * Start time of the process as the kernel counts it. It is needed because process ids are reused, in containers
   * immediately.
   */
  readonly started: string | null;
  readonly task: SchedulerTask | null;
}

/**
 * On file systems without links a lock is filled right after it is created; one that stays empty longer than this belongs
 * to a process that was killed in between.
 */
const emptyLockMs = 10_000;
/** How file systems without links refuse one. */
const withoutLinks: readonly string[] = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"];

/**
 * Locks the folder and returns a function that unlocks it. Throws a RunFolderError where another process holds the
 * lock.
 * @param task the scheduler's task that this process runs as; null: none
 */
export async function lockFolder(folder: string, task: SchedulerTask | null = null): Promise<() => Promise<void>> {
  const path = join(folder, lockName);
  const started = (await statusOf(process.pid))?.started ?? null;
  const owner: Owner = { pid: process.pid, host: hostname(), started, task };
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (await createLock(path, JSON.stringify(owner))) {
      await removeLeftBehind(path);
      return () => rm(path, { force: true });
    }
    await removeIfStale(folder, path, task);
  }
  throw new RunFolderError(`${folder}: another process is starting a run here. Wait for it, or give another --output.`);
}

/** Creates the lock with its text in it, so that a killed process never leaves an empty one; false: there is one already. */
async function createLock(path: string, text: string): Promise<boolean> {
  const temporary = temporaryPath(path);
  try {
    await writeFile(temporary, text);
    await link(temporary, path);
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST") || isErrno(error, "ENOENT")) return false; // ENOENT: another machine took it for a leftover
    if (!withoutLinks.some((code) => isErrno(error, code))) throw error;
    return await createLockByName(path, text);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function createLockByName(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    await rm(path, { force: true }).catch(() => undefined); // removes the empty lock that a full disk leaves
    throw error;
  }
}

async function removeIfStale(folder: string, path: string, task: SchedulerTask | null): Promise<void> {
  const found = await readLock(path);
  if (found === null) return;
  const owner = parseOwner(found.text);
  if (owner === null ? Date.now() - found.writtenMs < emptyLockMs : await isHeld(owner, task)) {
    const who = owner === null ? "another process" : `process ${owner.pid} on ${owner.host}`;
    throw new RunFolderError(
      `${folder}: in use by ${who}. Wait for it, or give another --output. If it is not running any more, delete ${path}.`,
    );
  }
  // Two processes may find a stale lock at once: each must make sure that it moved the stale file away and not the
  // other's new lock.
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
    if (isErrno(error, "ENOENT")) return null; // its process released it meanwhile
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
    const task = "task" in value ? parseTask(value.task) : null;
    return { pid, host, started: typeof started === "string" ? started : null, task };
  } catch {
    return null; // incomplete after a crash
  }
}

function parseTask(value: unknown): SchedulerTask | null {
  if (typeof value !== "object" || value === null || !("id" in value) || !("restarts" in value)) return null;
  const { id, restarts } = value;
  return typeof id === "string" ? { id, restarts: typeof restarts === "number" ? restarts : null } : null;
}

/**
 * Whether the lock's process still runs. For another machine that cannot be known, so its lock counts as held, unless it
 * was an earlier start of the task `now`.
 */
async function isHeld({ pid, host, started, task }: Owner, now: SchedulerTask | null): Promise<boolean> {
  if (host !== hostname()) return !isEarlierStart(task, now);
  if (pid === process.pid) return false;
  if (!isRunning(pid)) return false;
  const status = await statusOf(pid);
  if (status?.state === "Z") return false; // a zombie: it has ended, but its parent has not collected its status
  return started === null || status === null || started === status.started;
}

function isEarlierStart(before: SchedulerTask | null, now: SchedulerTask | null): boolean {
  if (before === null || now === null || before.id !== now.id) return false;
  return before.restarts === null || now.restarts === null || before.restarts < now.restarts;
}

interface ProcessStatus {
  readonly state: string;
  /** Clock ticks from boot to the start of the process. */
  readonly started: string;
}

/** State and start time, fields 3 and 22 of /proc/<pid>/stat, see proc(5). Null where there is no /proc. */
async function statusOf(pid: number): Promise<ProcessStatus | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    const fromThird = text.slice(text.lastIndexOf(")") + 2).split(" "); // field 2 is a name, which may contain spaces
    const [state = ""] = fromThird;
    return { state, started: fromThird[19] ?? "" };
  } catch {
    return null;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
