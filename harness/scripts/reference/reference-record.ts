/**
 * What bench:reference has measured, kept in a file: a JSON object a line, one for each piece, so that pieces of a few minutes,
 * taken whenever a machine is quiet, add up to a table.
 */
import { appendFile, readFile } from "node:fs/promises";
import * as z from "zod";
import { UsageError } from "../../catalog/usage-error.ts";
import { referenceFactsSchema } from "./reference-process.ts";

const seconds = z.number().positive();

const roundSchema = z.object({
  ours: seconds,
  /** null: there is none. */
  reference: seconds.nullable(),
  /** Share of the processors' time that neither side took; null where the system does not tell. */
  neighbours: z.number().nullable(),
});

/** One kind of work of one pair of sides, timed in turn in one process. */
const pieceSchema = z.object({
  date: z.string(),
  processor: z.string(),
  threads: z.int().positive(),
  /** Bytes a second that memory gave. */
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
  /** null: none was found. */
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

/** None where there is no such file yet. */
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

/** undefined where it is no JSON, which no schema takes. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
