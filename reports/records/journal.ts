/**
 * predictions.jsonl: one prediction a line, appended batch by batch. A batch's lines are one write that is flushed to the
 * disk before the next batch begins, so a crash costs one batch at most. Of a write that a crash cut short the whole lines
 * stay and the torn last one is dropped; any other line that cannot be read is an error.
 */
import { open, readFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { writeFileWhole } from "./atomic-file.ts";
import { RunFolderError } from "./run-folder-error.ts";
import { parsePrediction } from "./run-record.ts";
import type { Prediction } from "./run-record.ts";

/** What is kept in memory of a prediction. */
export type Outcome =
  | { readonly status: "predicted"; readonly text: string }
  | { readonly status: "matched"; readonly texts: Int32Array; readonly logits: Float32Array }
  | { readonly status: "failed"; readonly error: string };

export class Journal {
  readonly #path: string;
  /** By sample id, in the order of the lines. */
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

  /** Reads what is there; no file is no predictions. Writes nothing. */
  static async open(path: string): Promise<Journal> {
    return new Journal(path, await readLines(path));
  }

  get outcomes(): ReadonlyMap<string, Outcome> {
    return this.#outcomes;
  }

  /** One write, then a flush. Where it fails, what was written of it is taken back. */
  async append(predictions: readonly Prediction[]): Promise<void> {
    const bytes = Buffer.from(predictions.map((prediction) => `${JSON.stringify(prediction)}\n`).join(""));
    this.#file ??= await open(this.#path, "a");
    try {
      await this.#file.appendFile(bytes);
      await this.#file.sync();
    } catch (error) {
      await this.#file.truncate(this.#sizeBytes).catch(() => undefined); // reading drops a torn line as well
      throw error;
    }
    this.#sizeBytes += bytes.length;
    for (const prediction of predictions) this.#outcomes.set(prediction.id, outcomeOf(prediction));
  }

  /** Makes the file hold exactly these lines, in this order. Does nothing where it already does. */
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

  /** Milliseconds by stage, of all predictions together. */
  async stagesMs(): Promise<Record<string, number>> {
    return stagesOf(await readPredictions(this.#path));
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }
}

/** All lines, in their order. */
export async function readPredictions(path: string): Promise<readonly Prediction[]> {
  return (await readLines(path)).lines.map(({ prediction }) => prediction);
}

/** Milliseconds by stage, of all of them together. */
export function stagesOf(predictions: readonly Prediction[]): Record<string, number> {
  const stages: Record<string, number> = {};
  for (const prediction of predictions) {
    if (prediction.status === "failed") continue;
    for (const [stage, ms] of Object.entries(prediction.latencyMs)) stages[stage] = (stages[stage] ?? 0) + ms;
  }
  return stages;
}

interface Lines {
  readonly lines: readonly Line[];
  readonly sizeBytes: number;
  readonly isTorn: boolean;
}

interface Line {
  readonly prediction: Prediction;
  /** The line end included. */
  readonly bytes: Buffer;
}

const lineEnd = 0x0a;

async function readLines(path: string): Promise<Lines> {
  const content = await readFile(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return Buffer.alloc(0);
    throw error;
  });
  const lines: Line[] = [];
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

function outcomeOf(prediction: Prediction): Outcome {
  switch (prediction.status) {
    case "predicted":
      return { status: "predicted", text: prediction.text };
    case "matched":
      return {
        status: "matched",
        texts: Int32Array.from(prediction.texts),
        logits: Float32Array.from(prediction.logits),
      };
    case "failed":
      return { status: "failed", error: prediction.error };
  }
}
