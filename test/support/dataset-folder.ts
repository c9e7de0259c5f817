/**
 * A data folder for one test, and what is said when it cannot be read. The folder is removed when the tests of the file are
 * through; values are written as JSON, texts and bytes as they are, and null makes a folder.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatasetError } from "../../datasets/dataset.ts";

const made: string[] = [];

export function datasetFolder(files: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(join(tmpdir(), "blip2-bench-datasets-"));
  made.push(folder);
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(content === null ? path : dirname(path), { recursive: true });
    if (content === null) continue;
    const asIs = typeof content === "string" || content instanceof Uint8Array;
    writeFileSync(path, asIs ? content : JSON.stringify(content));
  }
  return folder;
}

export function removeDatasetFolders(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** The message of the DatasetError a promise ends in, with the folder written as FOLDER. */
export async function refusal(promise: Promise<unknown>, folder: string): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof DatasetError, String(error));
    return error.message.replaceAll(folder, "FOLDER");
  }
  return assert.fail("nothing was refused");
}
