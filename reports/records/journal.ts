/**
 * predictions.jsonl: one prediction a line, appended batch by batch. The lines of a batch are one write, flushed to
 * disk before the next batch begins, so a crash loses at most one batch. After a crash in the middle of a write, its
 * complete lines are kept and the incomplete last line is dropped; any other unreadable line is an error.
 */
import { open, readFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { writeFileWhole } from "./atomic-file.ts";
import { RunFolderError } from "./run-folder-error.ts";
import { parsePrediction } from "./run-record.ts";
import type { Prediction, RankedCandidates } from "./run-record.ts";

/** The part of a prediction that stays in memory. */
export type Outcome =
  | { readonly status: "predicted"; readonly text: string; readonly candidates?: RankedCandidates }
  | { readonly status: "matched"; readonly texts: Int32Array; readonly logits: Float32Array }
  | { readonly status: "failed"; readonly error: string };

export class Journal {
  readonly #path: string;
  /** Outcomes by sample id, in the order of the lines. */
  #outcomes: Map<string, Outcome>;
  #sizeBytes: number;
  #isTorn: boolean;
  #file: FileHandle | null = null;

  private constructor(path: string, { lines, sizeBytes, isTorn }: Lines) {
    this.#path = path;
    this.#outcomes = new Map(lines.map(({ prediction }) => [prediction.id, outcomeOf(prediction)]));
    this.#sizeBytes = sizeBytes;
    this.#isTorn = isTorn;
  }

  /** Reads the journal; a missing file means no predictions. Writes nothing. */
  static async open(path: string): Promise<Journal> {
    return new Journal(path, await readLines(path));
  }

  get outcomes(): ReadonlyMap<string, Outcome> {
    return this.#outcomes;
  }

  /** Appends predictions with one write and a flush. If that fails, the written part is removed again. */
  async append(predictions: readonly Prediction[]): Promise<void> {
    const bytes = Buffer.from(predictions.map((prediction) => `${JSON.stringify(prediction)}\n`).join(""));
    this.#file ??= await open(this.#path, "a");
    try {
      await this.#file.appendFile(bytes);
      await this.#file.sync();
    } catch (error) {
      // if this fails, too, reading will drop the incomplete line
      await this.#file.truncate(this.#sizeBytes).catch(() => undefined);
      throw error;
    }
    this.#sizeBytes += bytes.length;
    for (const prediction of predictions) this.#outcomes.set(prediction.id, outcomeOf(prediction));
  }

  /**
   * Rewrites the file so that it holds exactly the predictions of these samples, in this order, unless it does already.
   */
  async arrange(ids: readonly string[]): Promise<void> {
    const inOrder = [...this.#outcomes.keys()];
    if (!this.#isTorn && inOrder.length === ids.length && ids.every((id, index) => id === inOrder[index])) return;
    await this.close();
    const { lines } = await readLines(this.#path);
    const byId = new Map(lines.map(({ prediction, bytes }) => [prediction.id, { prediction, bytes }]));
    const kept = ids.map((id) => {
      const line = byId.get(id);
      if (line === undefined) throw new Error(`${this.#path}: no prediction of sample ${id} to keep`);
      return line;
    });
    const content = Buffer.concat(kept.map(({ bytes }) => bytes));
    await writeFileWhole(this.#path, content);
    this.#outcomes = new Map(kept.map(({ prediction }) => [prediction.id, outcomeOf(prediction)]));
    this.#sizeBytes = content.length;
    this.#isTorn = false;
  }

  /** Milliseconds by stage, summed over all predictions. */
  async stagesMs(): Promise<Record<string, number>> {
    return stagesOf(await readPredictions(this.#path));
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }
}

/** All predictions, in the order of the lines. */
export async function readPredictions(path: string): Promise<readonly Prediction[]> {
  return (await readLines(path)).lines.map(({ prediction }) => prediction);
}

/** Milliseconds by stage, summed over these predictions. */
export function stagesOf(predictions: readonly Prediction[]): Record<string, number> {
  const stages: Record<string, number> = {};
  for (const prediction of predictions) {
    if (!("latencyMs" in prediction)) continue;
    for (const [stage, ms] of Object.entries(prediction.latencyMs)) stages[stage] = (stages[stage] ?? 0) + ms;
  }
  return stages;
}

/** The lines of a journal as they are on disk. An incomplete last line is left out. */
export async function readJournalLines(path: string): Promise<readonly JournalLine[]> {
  return (await readLines(path)).lines;
}

interface Lines {
  readonly lines: readonly JournalLine[];
  readonly sizeBytes: number;
  readonly isTorn: boolean;
}

export interface JournalLine {
  readonly prediction: Prediction;
  /** The bytes of a line, including its line end. */
  readonly bytes: Buffer;
}

const lineEnd = 0x0a;

async function readLines(path: string): Promise<Lines> {
  const content = await readFile(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return Buffer.alloc(0);
    throw error;
  });
  const lines: JournalLine[] = [];
  const lineOf = new Map<string, number>();
  let start = 0;
  for (;;) {
    const end = content.indexOf(lineEnd, start);
    if (end === -1) break;
    const number = lines.length + 1;
    const bytes = content.subarray(start, end + 1);
    const prediction = readLine(bytes, `${path}, line ${number}`);
    const before = lineOf.get(prediction.id);
    if (before !== undefined) {
      throw new RunFolderError(
        `${path}, line ${number}: sample ${prediction.id} has a prediction already, on line ${before}. Delete one of them.`,
      );
    }
    lineOf.set(prediction.id, number);
    lines.push({ prediction, bytes });
    start = end + 1;
  }
  return { lines, sizeBytes: content.length, isTorn: start < content.length };
}

function readLine(bytes: Buffer, where: string): Prediction {
  try {
    return parsePrediction(bytes.toString("utf8"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RunFolderError(
      `${where}: not a prediction: ${reason}. Delete the line, and its sample is asked again; or give --overwrite to start again.`,
      { cause },
    );
  }
}

/** The part of a prediction that scores need. */
export function outcomeOf(prediction: Prediction): Outcome {
  switch (prediction.status) {
    case "predicted":
      return {
        status: "predicted",
        text: prediction.text,
        ...(prediction.candidates !== undefined && { candidates: prediction.candidates }),
      };
    case "matched":
      return {
        status: "matched",
        texts: Int32Array.from(prediction.texts),
        logits: Float32Array.from(prediction.logits),
      };
    case "imported":
      return { status: "predicted", text: prediction.text };
    case "failed":
      return { status: "failed", error: prediction.error };
  }
}
