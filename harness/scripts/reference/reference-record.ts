/**
 * The file in which bench:reference keeps its measurements: a JSON object a line, one for each piece. Pieces of a few
 * minutes, measured whenever the machine is quiet, so add up to a table.
 */
import { appendFile, readFile } from "node:fs/promises";
import * as z from "zod";
import { UsageError } from "../../catalog/usage-error.ts";
import { referenceFactsSchema } from "./reference-process.ts";

const seconds = z.number().positive();

const roundSchema = z.object({
  ours: seconds,
  /** null: transformers was not measured. */
  reference: seconds.nullable(),
  /** Share of the processors' time that neither side took; null where the system does not tell. */
  neighbours: z.number().nullable(),
});

/** One workload, timed alternately in blip2-bench and in transformers, in one pair of precisions. */
const pieceSchema = z.object({
  date: z.string(),
  processor: z.string(),
  threads: z.int().positive(),
  /** Bytes a second that this machine reads from memory. */
  read: z.number().positive(),
  checkpoint: z.object({ name: z.string(), weightBytes: z.number() }),
  work: z.object({ name: z.string(), unit: z.string(), units: z.int().positive() }),
  ours: z.object({
    precision: z.string(),
    batch: z.int().positive(),
    version: z.string(),
    node: z.string(),
    onnxRuntime: z.string(),
  }),
  /** null: transformers was not found. */
  reference: z.object({ batch: z.int().positive(), facts: referenceFactsSchema }).nullable(),
  rounds: z.array(roundSchema).readonly(),
});
export type Piece = z.infer<typeof pieceSchema>;

export async function appendPiece(file: string, piece: Piece): Promise<void> {
  await appendFile(file, `${JSON.stringify(piece)}\n`).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`bench:reference --record ${file}: cannot be written: ${reason}.`, { cause });
  });
}

/** Empty where the file does not exist yet. */
export async function readPieces(file: string): Promise<readonly Piece[]> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return "";
    throw cause;
  });
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line, index) => {
    const parsed = pieceSchema.safeParse(parseLine(line));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue?.path.map(String).join(".") ?? "";
    throw new UsageError(
      `bench:reference --record ${file}: line ${index + 1}: "${where}": ${issue?.message ?? "not as expected"}. ` +
        "Expected what bench:reference wrote; give another file, or take the line out.",
    );
  });
}

/** undefined where the line is not JSON; no schema accepts that. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
