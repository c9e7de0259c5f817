/** Creates the folders of a run, and removes them again if nothing was written. */
import { mkdir, rmdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "./run-folder-error.ts";

/**
 * Creates the folder and its parents; returns the topmost that was created, null if all existed. It does not use the
 * option `recursive`, with which Node 20 loops for ever where the system refuses a folder inside an existing one, as in
 * /proc.
 */
export async function makeFolder(path: string): Promise<string | null> {
  try {
    return await makeOne(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT" || dirname(path) === path) throw error;
    const above = await makeFolder(dirname(path));
    const made = await makeOne(path);
    return above ?? made;
  }
}

async function makeOne(path: string): Promise<string | null> {
  try {
    await mkdir(path);
    return path;
  } catch (error) {
    if (systemCode(error) === "EEXIST" && (await stat(path)).isDirectory()) return null;
    throw error;
  }
}

/** Removes the folder and its parents up to `made`, as far as they are empty. */
export async function removeEmptyFolders(path: string, made: string | null): Promise<void> {
  if (made === null) return;
  for (let folder = path; folder.length >= made.length; folder = dirname(folder)) {
    const isGone = await rmdir(folder).then(
      () => true,
      () => false, // not empty, so it is kept
    );
    if (!isGone) return;
  }
}
