/**
 * Writes a file whole: after a crash there is the old one or the new one, never a part. The new content goes to a file
 * beside it, is flushed to the disk and takes the name; then the folder is flushed, so that the name lasts, too.
 */
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Beside the file, and of this process only. After a crash it may be left over. */
export function temporaryPath(path: string): string {
  return `${path}.${process.pid}.tmp`;
}

/** Whether it is the temporary name of a file of one of these names. */
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
    await rm(temporary, { force: true }).catch(() => undefined); // the error above is the one that counts
    throw error;
  }
  await flushFolder(dirname(path));
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
    // Not every file system flushes folders (Windows does not open them); the file itself is whole either way.
  }
}
