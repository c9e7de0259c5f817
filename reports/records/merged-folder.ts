/** Writes a run folder that was put together from the folders of its shards. */
import { copyFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { temporaryPath, writeFileWhole } from "./atomic-file.ts";
import { checksumsName, recordChecksums } from "./checksums.ts";
import { makeFolder } from "./make-folder.ts";
import {
  asFolderError,
  journalName,
  kindOfFolder,
  readRecord,
  recordName,
  rowsName,
  scoresName,
  similaritiesName,
} from "./run-files.ts";
import { RunFolderError } from "./run-folder-error.ts";
import { differences } from "./run-folder-text.ts";
import { lockFolder } from "./run-lock.ts";
import type { RunRecord } from "./run-record.ts";

export interface MergedRun {
  readonly record: RunRecord;
  /** Lines of predictions.jsonl, each with its line end. */
  readonly lines: readonly Uint8Array[];
  /** The file of similarities of a retrieval run; null: there is none. */
  readonly similarities: string | null;
  /** Copy of the file that the task is written in; null: a task of the project. */
  readonly taskCopy: string | null;
}

/** Throws a RunFolderError where a merged run cannot be written there. Writes nothing. */
export async function refuseToMergeInto(path: string, record: RunRecord): Promise<void> {
  const kind = await kindOfFolder(path);
  if (kind === "free") return;
  if (kind === "other") {
    throw new RunFolderError(`${path}: holds other files than shards. Give a new folder with --output.`);
  }
  const found = await readRecord(path);
  if (found === null) return;
  if (found.identity !== record.identity) throw new RunFolderError(differences(path, found, record));
  if (found.machines !== undefined) return;
  throw new RunFolderError(`${path}: holds a run that one machine asked. Give another folder with --output.`);
}

/** Replaces what an earlier merge of the run wrote there. */
export async function writeMergedRun(
  path: string,
  { record, lines, similarities, taskCopy }: MergedRun,
): Promise<void> {
  try {
    await makeFolder(path);
    const unlock = await lockFolder(path);
    try {
      await refuseToMergeInto(path, record);
      // These were made from predictions that are about to change.
      for (const name of [scoresName, rowsName, checksumsName]) await rm(join(path, name), { force: true });
      // First a record that says it is not whole yet: without it, a merge that was killed could not be given again.
      await writeRecord(path, { ...record, status: "running" });
      await writeFileWhole(join(path, journalName), Buffer.concat(lines));
      for (const file of [similarities, taskCopy]) {
        if (file === null) continue;
        const temporary = temporaryPath(join(path, basename(file)));
        await copyFile(file, temporary);
        await rename(temporary, join(path, basename(file)));
      }
      await writeRecord(path, record);
      await recordChecksums(path, [recordName, journalName, similaritiesName]);
    } finally {
      await unlock();
    }
  } catch (error) {
    throw asFolderError(path, error);
  }
}

function writeRecord(path: string, record: RunRecord): Promise<void> {
  return writeFileWhole(join(path, recordName), `${JSON.stringify(record, null, 2)}\n`);
}
