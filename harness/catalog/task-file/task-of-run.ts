/**
 * The task of a run on disk, as it was when the run was made. A task file may have changed since, or be gone: then the copy in
 * the run's folder is read, whose bytes the record names. Where the file is code, reading it runs it.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { taskCopyName } from "../../../reports/records/run-files.ts";
import { RunFolderError, systemCode } from "../../../reports/records/run-folder-error.ts";
import type { RunRecord } from "../../../reports/records/run-record.ts";
import type { Task } from "../../../tasks/task.ts";
import type { Catalog } from "../catalog.ts";
import { findTask } from "../find-task.ts";
import { UsageError } from "../usage-error.ts";
import { readTaskFile } from "./read-task-file.ts";

export interface TaskOfRun {
  readonly task: Task;
  /** What a user should know of the task's file; null: it is as it was. */
  readonly note: string | null;
}

/** Throws a UsageError for a task that is not known, a RunFolderError for a run whose task file is in neither place. */
export async function taskOfRun(
  folder: string,
  { config, taskFile }: Pick<RunRecord, "config" | "taskFile">,
  catalog: Pick<Catalog, "tasks">,
): Promise<TaskOfRun> {
  const name = config.task;
  if (taskFile === undefined) return { task: await findTask(catalog, name), note: null };
  const { path, sha256 } = taskFile;
  const now = await sha256Of(path);
  if (now === sha256) return { task: await readTaskFile(path, catalog, name), note: null };
  const copy = join(folder, taskCopyName(path));
  const kept = await sha256Of(copy);
  const what = now === null ? "is not there any more" : "has changed since this run";
  if (kept !== sha256) {
    throw new RunFolderError(
      `${folder}: its task file ${path} ${what}, and ${kept === null ? "there is no copy" : "another file is in place of the copy"} ` +
        `in ${copy}: expected SHA-256 ${sha256}. Run again.`,
    );
  }
  const note = `${path} ${what}. Its copy of then is used: ${copy}. For what the file says now: score with --tasks, or run again.`;
  try {
    return { task: await readTaskFile(copy, catalog, name), note };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message} It is the copy of ${path}, which ${what}.`, { cause: error });
  }
}

/** null: there is no such file. */
async function sha256Of(path: string): Promise<string | null> {
  try {
    return createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  } catch (error) {
    if (systemCode(error) === null) throw error;
    return null;
  }
}
