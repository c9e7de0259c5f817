/**
 * Makes a folder and those above it. Not by `recursive`: Node 20 then tries for ever where the system will not make a folder
 * inside one that is there, as in /proc.
 */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "EEXIST" && (await stat(folder)).isDirectory()) return;
    if (code !== "ENOENT" || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder).catch((second: unknown) => {
      // Another process may have been quicker; where the folder above is there and this cannot be, the system refuses it.
      if (!(second instanceof Error && "code" in second && second.code === "EEXIST")) throw second;
    });
  }
}
