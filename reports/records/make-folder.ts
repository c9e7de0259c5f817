/** Folders that are made for a run, and go again where nothing came of it. */
import { mkdir, rmdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "./run-folder-error.ts";

/**
 * Makes the folder and those above it; gives the topmost that was made, null for none. Not by `recursive`: Node 20 then tries
 * for ever where the system will not make a folder inside one that is there, as in /proc.
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

/** Removes the folder and those above it, up to the first that was made for it, as far as they are empty. */
export async function removeEmptyFolders(path: string, made: string | null): Promise<void> {
  if (made === null) return;
  for (let folder = path; folder.length >= made.length; folder = dirname(folder)) {
    const isGone = await rmdir(folder).then(
      () => true,
      () => false, // not empty: it is in use
    );
    if (!isGone) return;
  }
}
