/**
 * Reads what a report needs of a run folder in one pass over its predictions: their times, the predictions to be shown,
 * and hashes of files. Other predictions are not kept, so memory does not depend on the length of a run.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { checksumsName, fileChecksum, readChecksums } from "../records/checksums.ts";
import { RunFolderError, systemCode } from "../records/run-folder-error.ts";
import { journalName, recordName, scoresName, similaritiesName } from "../records/run-files.ts";
import { parsePrediction, stagesInTotal } from "../records/run-record.ts";
import type { Prediction } from "../records/run-record.ts";
import { curveOf, distributionOf, Values } from "./distribution.ts";
import type { FileState, Latency } from "./report-data.ts";

export interface PredictionSummary {
  /** Number of lines of each kind. */
  readonly counts: { readonly predicted: number; readonly failed: number };
  readonly latency: Latency | null;
  /** The predictions to be shown, by sample id. */
  readonly chosen: ReadonlyMap<string, Prediction>;
  readonly sha256: string;
}

/** `isChosen`: whether a sample is to be shown. Throws a RunFolderError for an invalid line. */
export async function summarisePredictions(
  folder: string,
  isChosen: (id: string) => boolean,
): Promise<PredictionSummary> {
  const path = join(folder, journalName);
  const times = new Map<string, Values>();
  const totals = new Values();
  const chosen = new Map<string, Prediction>();
  const counts = { predicted: 0, failed: 0 };
  const hash = createHash("sha256");
  let number = 0;
  for await (const line of linesOf(path, (bytes) => void hash.update(bytes))) {
    number += 1;
    const { id, status, latencyMs } = lineHeadOf(line, `${path}, line ${number}`);
    if (isChosen(id)) chosen.set(id, predictionOf(line, `${path}, line ${number}`));
    counts[status === "failed" ? "failed" : "predicted"] += 1;
    let total = 0;
    for (const [stage, milliseconds] of stagesInTotal(latencyMs)) {
      total += milliseconds;
      let values = times.get(stage);
      if (values === undefined) times.set(stage, (values = new Values()));
      values.add(milliseconds);
    }
    if (status !== "failed") totals.add(total);
  }
  return { counts, latency: latencyOf(totals, times), chosen, sha256: hash.digest("hex") };
}

function latencyOf(totals: Values, times: ReadonlyMap<string, Values>): Latency | null {
  const sorted = totals.sorted();
  const sampleMs = distributionOf(sorted);
  if (sampleMs === null || sampleMs.max === 0) return null;
  const stagesMs: Record<string, NonNullable<ReturnType<typeof distributionOf>>> = {};
  for (const [stage, values] of times) {
    const distribution = distributionOf(values.sorted());
    if (distribution !== null) stagesMs[stage] = distribution;
  }
  return { sampleMs, stagesMs, curve: curveOf(sorted), samplesPerSecond: 1000 / sampleMs.mean };
}

interface LineHead {
  readonly id: string;
  readonly status: string;
  readonly latencyMs: Readonly<Record<string, number>>;
}

/** The fields that are needed of every line. Only shown predictions are checked completely, by `predictionOf`. */
function lineHeadOf(line: string, where: string): LineHead {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw notAPrediction(where, cause);
  }
  if (typeof value === "object" && value !== null && "id" in value && "status" in value) {
    const { id, status } = value;
    const latencyMs = "latencyMs" in value ? value.latencyMs : {};
    if (typeof id === "string" && typeof status === "string" && isNumbers(latencyMs)) return { id, status, latencyMs };
  }
  throw notAPrediction(where, new Error("no id, status or latencyMs as they are written"));
}

function isNumbers(value: unknown): value is Readonly<Record<string, number>> {
  if (typeof value !== "object" || value === null) return false;
  for (const key in value) if (typeof Reflect.get(value, key) !== "number") return false;
  return true;
}

function predictionOf(line: string, where: string): Prediction {
  try {
    return parsePrediction(line);
  } catch (cause) {
    throw notAPrediction(where, cause);
  }
}

function notAPrediction(where: string, cause: unknown): RunFolderError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RunFolderError(`${where}: not a prediction: ${reason}. Was it edited by hand?`, { cause });
}

const lineEnd = 0x0a;

/**
 * The complete lines of a file; an incomplete last line is dropped, as the journal does. A missing file has no lines.
 */
async function* linesOf(path: string, onBytes: (bytes: Buffer) => void): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      if (!Buffer.isBuffer(chunk)) continue; // without an encoding, every chunk is a Buffer
      onBytes(chunk);
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let end = bytes.indexOf(lineEnd); end !== -1; end = bytes.indexOf(lineEnd, start)) {
        yield bytes.toString("utf8", start, end);
        start = end + 1;
      }
      rest = Buffer.from(bytes.subarray(start));
    }
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}

/** States of the run's files. `predictionsSha256`: hash of the predictions, computed while they were read. */
export async function readFileStates(folder: string, predictionsSha256: string): Promise<readonly FileState[]> {
  const recorded = await readChecksums(folder);
  const states: FileState[] = [];
  for (const name of [recordName, journalName, scoresName, similaritiesName]) {
    const sha256 = name === journalName ? predictionsSha256 : await fileChecksum(join(folder, name));
    if (sha256 !== null) states.push({ name, sha256, recorded: recorded?.get(name) ?? null });
  }
  return states;
}

/** Names of files that were edited after the run; files without a recorded checksum are not among them. */
export function editedFiles(states: readonly FileState[]): readonly string[] {
  return states
    .filter(({ sha256, recorded }) => recorded !== null && recorded !== sha256)
    .map(({ name, sha256, recorded }) => {
      return `${name} is not as it was written: found SHA-256 ${sha256}, expected ${recorded ?? ""} (${checksumsName}). Was it edited by hand?`;
    });
}

/** Row `row` of the [images, texts] similarities; null where there are none of that shape. */
export async function readSimilarityRow(
  folder: string,
  { row, images }: { readonly row: number; readonly images: number },
): Promise<Float32Array | null> {
  const path = join(folder, similaritiesName);
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  const texts = size / 4 / images;
  if (size === 0 || !Number.isInteger(texts)) return null;
  const values = new Float32Array(texts);
  const file = await open(path, "r");
  try {
    await file.read(new Uint8Array(values.buffer), 0, 4 * texts, 4 * texts * row);
  } finally {
    await file.close();
  }
  return values;
}
