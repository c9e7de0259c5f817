/** Files that a flag names. All functions throw a UsageError that begins with the flag and the file. */
import { readFile } from "node:fs/promises";
import { describeSystemCode, systemCode } from "../../reports/records/run-folder-error.ts";
import { decodeText, TextFileError } from "../../reports/records/text-file.ts";
import { UsageError } from "./usage-error.ts";

export async function readNamed(file: string, flag: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: unknown) => {
    const code = systemCode(cause);
    if (code === null) throw cause;
    const why = code === "ENOENT" ? "no such file" : describeSystemCode(code);
    throw new UsageError(`${flag} ${file}: ${why}.`, { cause });
  });
}

/** The text of the file, which is in UTF-8. */
export function decodeNamed(bytes: Uint8Array, file: string, flag: string): string {
  try {
    return decodeText(bytes, file);
  } catch (cause) {
    if (!(cause instanceof TextFileError)) throw cause;
    throw new UsageError(`${flag} ${cause.message}`, { cause });
  }
}
