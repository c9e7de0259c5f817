/** Files for one test, and what is said when a checkpoint made of them cannot be used. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CheckpointError } from "../../models/model.ts";
import { cacheFolder } from "./project.ts";

/** A new folder with these files, by their paths in it; gone with the process. */
export function temporaryFolder(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const folder = mkdtempSync(path.join(cacheFolder, "files-"));
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return folder;
}

/** A safetensors file, as broken as the header given: an object, or its text. */
export function safetensorsBytes(header: unknown, data: Uint8Array = new Uint8Array()): Uint8Array {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.byteLength));
  return Buffer.concat([length, text, data]);
}

/** Fails unless a CheckpointError is thrown whose message, with the folder taken out, is this. */
export async function assertRefused(
  action: () => unknown,
  message: string | RegExp,
  folder = "\0", // no message has it
): Promise<void> {
  try {
    await action();
  } catch (error) {
    assert.ok(error instanceof CheckpointError, String(error));
    const said = error.message.replaceAll(folder, "FOLDER");
    if (typeof message === "string") assert.equal(said, message);
    else assert.match(said, message);
    return;
  }
  assert.fail("nothing was refused");
}
