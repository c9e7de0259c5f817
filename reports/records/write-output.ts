/** Writing where a user said: a place that cannot be written is said with what to do, and not as the system says it. */
import { dirname, resolve } from "node:path";
import { writeFileWhole } from "./atomic-file.ts";
import { makeFolder } from "./make-folder.ts";
import { adviceOn, describeSystemCode, RunFolderError, systemCode } from "./run-folder-error.ts";

/** Throws a RunFolderError with `advice` where the system refuses what `write` does. */
export async function writeOutput(path: string, advice: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    const code = systemCode(cause);
    if (code === null || isOfReading(cause)) throw cause;
    throw new RunFolderError(`${path}: cannot be written: ${describeSystemCode(code)}. ${adviceOn(code, advice)}`, {
      cause,
    });
  }
}

/** One file, whole or not at all. Its folder is made. */
export function writeOutputFile(path: string, advice: string, content: string | Uint8Array): Promise<void> {
  return writeOutput(path, advice, async () => {
    await makeFolder(dirname(resolve(path)));
    await writeFileWhole(resolve(path), content);
  });
}

/** What is written may be read from elsewhere meanwhile. */
function isOfReading(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && error.syscall === "read";
}
