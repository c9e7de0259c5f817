/**
 * A baseline: scored runs in one small file for git, to compare later runs with. It holds each run's record, without
 * paths of the machine, and its packed scores by sample. The file depends only on the runs.
 */
import { basename } from "node:path";
import * as z from "zod";
import { machineClassOf } from "../machine-class.ts";
import { packColumns, packedColumnsSchema, unpackColumns } from "./packed-columns.ts";
import { writtenFormat } from "../file-format.ts";
import { scoreSheetSchema } from "../read-scores.ts";
import { describeSystemCode, RunFolderError, systemCode } from "../run-folder-error.ts";
import { runRecordSchema } from "../run-record.ts";
import type { RunRecord, ScoreSheet } from "../run-record.ts";
import { readTextFile } from "../text-file.ts";
import { recordedPrecision } from "../recorded-precision.ts";

export const baselineFormat = "blip2-bench-baseline/1";

const entrySchema = z.object({
  /** Class of the machine, which decides whether times can be compared: machine-class.ts. */
  machine: z.string(),
  record: runRecordSchema,
  scores: scoreSheetSchema.omit({ samples: true, texts: true }),
  samples: packedColumnsSchema,
  texts: packedColumnsSchema.exactOptional(),
});

export const baselineSchema = z.object({
  format: z.literal(baselineFormat),
  entries: z.array(entrySchema).min(1),
});

type Entry = z.infer<typeof entrySchema>;

/** A run as a baseline keeps it. */
export interface BaselineRun {
  readonly record: RunRecord;
  readonly scores: ScoreSheet;
}

/**
 * The text of a baseline. Runs are sorted by task, checkpoint, precision and device, whatever order they are given in.
 */
export function baselineText(runs: readonly BaselineRun[]): string {
  const name = ({ record: { config, checkpoint } }: BaselineRun): string =>
    JSON.stringify([config.task, checkpoint.name, recordedPrecision(config), config.device ?? "cpu"]);
  const sorted = runs.toSorted((a, b) => (name(a) < name(b) ? -1 : 1));
  return `${JSON.stringify({ format: baselineFormat, entries: sorted.map(entryOf) }, null, 2)}\n`;
}

function entryOf({ record, scores: { samples, texts, ...scores } }: BaselineRun): Entry {
  const { checkpoint, data, taskFile } = record;
  return {
    machine: machineClassOf(record),
    record: {
      ...record,
      ...(taskFile !== undefined && { taskFile: { ...taskFile, path: basename(taskFile.path) } }),
      checkpoint: { ...checkpoint, source: checkpoint.name },
      data: { ...data, folder: null, images: null },
    },
    scores: { ...scores, metrics: [...scores.metrics] },
    samples: packColumns(samples),
    ...(texts !== undefined && { texts: packColumns(texts) }),
  };
}

/** Throws a RunFolderError that says what is wrong with the file. */
export async function readBaseline(path: string): Promise<readonly BaselineRun[]> {
  const value = await readJson(path);
  const { format, words } = writtenFormat(value);
  if (format !== baselineFormat) {
    const [, version] = /^blip2-bench-baseline\/(\d+)$/.exec(format ?? "") ?? [];
    const why =
      version === undefined
        ? "Give a file that `baseline` has written."
        : "It was written by a newer version: update blip2-bench, or make the baseline again.";
    throw new RunFolderError(`${path}: ${words}, expected "${baselineFormat}". ${why}`);
  }
  const parsed = baselineSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.map(String).join(".") ?? "";
    throw new RunFolderError(
      `${path}: "${where}": ${issue?.message ?? "not as expected"}. Make it again with \`baseline\`.`,
    );
  }
  return parsed.data.entries.map((entry) => runOf(entry, path));
}

function runOf({ record, scores, samples, texts }: Entry, path: string): BaselineRun {
  try {
    const columns = { samples: unpackColumns(samples), ...(texts !== undefined && { texts: unpackColumns(texts) }) };
    return { record, scores: { ...scores, ...columns } };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RunFolderError(`${path}: ${reason}. Make it again with \`baseline\`.`, { cause });
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readTextFile(path).catch((error: unknown) => {
    const code = systemCode(error);
    if (code === null) throw error;
    const why = code === "ENOENT" ? "no such file" : describeSystemCode(code);
    throw new RunFolderError(`${path}: ${why}. Make a baseline with \`blip2-bench baseline <run> --output <file>\`.`);
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RunFolderError(`${path}: not JSON: ${reason}. Make it again with \`baseline\`.`, { cause });
  }
}
