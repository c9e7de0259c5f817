/**
 * The files of a run folder: their names, and reading them back. run-folder.ts makes and writes the folder.
 */
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { isTemporaryName, writeFileWhole } from "./atomic-file.ts";
import { checksumsName, recordChecksums } from "./checksums.ts";
import { costsNames } from "./findings/costs.ts";
import { firstStepNames } from "./first-step.ts";
import { Journal } from "./journal.ts";
import type { Outcome } from "./journal.ts";
import { adviceOn, describeSystemCode, RunFolderError, systemCode } from "./run-folder-error.ts";
import { scoresText } from "./run-folder-text.ts";
import { lockName } from "./run-lock.ts";
import { parseRunRecord } from "./run-record.ts";
import type { RunRecord, ScoreSheet } from "./run-record.ts";
import { readTextFile } from "./text-file.ts";

export const recordName = "run.json";
export const journalName = "predictions.jsonl";
export const scoresName = "scores.json";
export const rowsName = "rows.csv";
/** Similarities of a retrieval run: [images, texts], float32, little endian. */
export const similaritiesName = "similarities.f32";

/** Name of the copy of the file that the task is written in: `task.yaml` of `my-task.yaml`. */
export function taskCopyName(path: string): string {
  return `task${extname(path).toLowerCase()}`;
}

const taskCopyNames = ["a.yaml", "a.yml", "a.json", "a.ts", "a.mts", "a.js", "a.mjs"].map(taskCopyName);
/** Below a run folder, the folders of the shards that several machines ask. */
export const shardsName = "shards";

/** Names of all files that a run folder may hold. */
export const ownNames: ReadonlySet<string> = new Set([
  recordName,
  ...taskCopyNames,
  journalName,
  scoresName,
  rowsName,
  similaritiesName,
  ...firstStepNames,
  ...costsNames,
  checksumsName,
  lockName,
]);

/** `free`: the folder does not exist, or holds nothing but shards; `run`: it holds a run; `other`: it holds other files. */
export async function kindOfFolder(folder: string): Promise<"free" | "run" | "other"> {
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (systemCode(error) === "ENOENT") return [];
    throw asFolderError(folder, error);
  });
  if (names.includes(recordName)) return "run";
  const isFree = (name: string): boolean => name === lockName || name === shardsName || isTemporaryName(name, ownNames);
  return names.every(isFree) ? "free" : "other";
}

/** Reads a finished or unfinished run. Throws a RunFolderError where there is none or it is broken. */
export async function readRun(
  path: string,
): Promise<{ readonly record: RunRecord; readonly outcomes: ReadonlyMap<string, Outcome> }> {
  const record = await readRunRecord(path);
  try {
    const { outcomes } = await Journal.open(join(path, journalName));
    return { record, outcomes };
  } catch (error) {
    throw asFolderError(path, error);
  }
}

/** Reads only run.json. Throws a RunFolderError where it is missing or broken. */
export async function readRunRecord(path: string): Promise<RunRecord> {
  const record = await readRecord(path).catch((error: unknown) => {
    throw asFolderError(path, error);
  });
  if (record !== null) return record;
  throw new RunFolderError(`${path}: no ${recordName} in it. Give a folder that \`run\` has written.`);
}

/** Reads similarities; null: there are none, or not as many as expected. `expected` null: any number. */
export async function readSimilarities(path: string, expected: number | null): Promise<Float32Array | null> {
  const bytes = await readFile(join(path, similaritiesName)).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return Buffer.alloc(0);
    throw asFolderError(path, error);
  });
  const count = expected ?? Math.floor(bytes.byteLength / 4);
  if (count === 0 || bytes.byteLength !== 4 * count) return null;
  const values = new Float32Array(count);
  new Uint8Array(values.buffer).set(bytes);
  return values;
}

export async function writeScores(path: string, scores: ScoreSheet): Promise<void> {
  try {
    await writeScoresFile(path, scores);
  } catch (error) {
    throw asFolderError(path, error);
  }
}

/** Writes scores.json. Throws the system's errors. */
export async function writeScoresFile(path: string, scores: ScoreSheet): Promise<void> {
  await writeFileWhole(join(path, scoresName), scoresText(scores));
  await recordChecksums(path, [scoresName]);
}

/** The record in run.json; null: the file does not exist. */
export async function readRecord(folder: string): Promise<RunRecord | null> {
  const path = join(folder, recordName);
  try {
    return parseRunRecord(await readTextFile(path), path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** Turns an error of the file system into a RunFolderError; returns other errors unchanged. */
export function asFolderError(path: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === null) return error;
  return new RunFolderError(
    `${path}: cannot be used as a run folder: ${describeSystemCode(code)}. ${adviceOn(code, "Give another folder with --output.")}`,
    { cause: error },
  );
}
