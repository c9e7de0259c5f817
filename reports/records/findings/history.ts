/**
 * The history: a file of JSON lines for git. Each added run appends a line, and lines never change. A lane is a series
 * of runs that can be compared over time: those with equal checkpoint, task, split, protocol, precision, number of
 * samples and class of machine.
 */
import * as z from "zod";
import { machineClassOf } from "../machine-class.ts";
import { pointsPerUnsaidUnit } from "../metric-unit.ts";
import { describeSystemCode, RunFolderError, systemCode } from "../run-folder-error.ts";
import { protocolName } from "../run-record.ts";
import type { RunRecord, ScoreSheet } from "../run-record.ts";
import { readTextFile, TextFileError } from "../text-file.ts";
import { recordedPrecision } from "../recorded-precision.ts";
import { writeOutputFile } from "../write-output.ts";

export const historyFormat = "blip2-bench-history/1";

export const historyLineSchema = z.object({
  format: z.literal(historyFormat),
  startedAt: z.string(),
  /** null: the program did not run from a git clone. */
  commit: z.string().nullable(),
  dirty: z.boolean().nullable(),
  version: z.string(),
  identity: z.string(),
  machine: z.string(),
  checkpoint: z.string(),
  task: z.string(),
  split: z.string(),
  protocol: z.string(),
  precision: z.string(),
  samples: z.int().nonnegative(),
  /** Scores by metric, unrounded, in the metric's unit. */
  metrics: z.record(z.string(), z.object({ value: z.number(), standardError: z.number().nullable() })),
  /** Milliseconds of the model's computation for a sample. */
  computeMs: z.number().nullable(),
  peakMemoryBytes: z.int().nonnegative().nullable(),
});

export type HistoryLine = z.infer<typeof historyLineSchema>;

export function historyLineOf({ record, scores }: { record: RunRecord; scores: ScoreSheet }): HistoryLine {
  const { config, checkpoint, data, code, counts, timings, measured } = record;
  const metrics = scores.metrics.flatMap(({ name, value, standardError }) =>
    value === null ? [] : [[name, { value, standardError }] as const],
  );
  return {
    format: historyFormat,
    startedAt: timings.startedAt,
    commit: code.commit,
    dirty: code.dirty,
    version: code.version,
    identity: record.identity,
    machine: machineClassOf(record),
    checkpoint: checkpoint.name,
    task: config.task,
    split: data.split,
    protocol: protocolName(config),
    precision: recordedPrecision(config),
    samples: counts.predicted,
    metrics: Object.fromEntries(metrics),
    computeMs: timings.computeMs === undefined ? null : timings.computeMs / counts.predicted,
    peakMemoryBytes: measured?.peakMemoryBytes ?? null,
  };
}

/** Whether both lines are about one run, which was added twice. */
export function isSameRun(a: HistoryLine, b: HistoryLine): boolean {
  return a.startedAt === b.startedAt && a.identity === b.identity;
}

/**
 * Reads a history; empty where the file does not exist. Throws a RunFolderError that names the broken line, or a
 * TextFileError.
 */
export async function readHistory(path: string): Promise<readonly HistoryLine[]> {
  const lines = (await historyText(path)).split("\n");
  return lines.flatMap((line, index) => (line === "" ? [] : [parseLine(line, `${path}, line ${index + 1}`)]));
}

/** Empty where the file does not exist. */
function historyText(path: string): Promise<string> {
  return readTextFile(path).catch((error: unknown) => {
    const code = systemCode(error);
    if (code === "ENOENT") return "";
    if (error instanceof TextFileError) throw error;
    throw new RunFolderError(`${path}: cannot be read: ${code === null ? String(error) : describeSystemCode(code)}.`);
  });
}

function parseLine(line: string, where: string): HistoryLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new RunFolderError(`${where}: not JSON. Was a merge left half done? Mend or remove the line.`, { cause });
  }
  const parsed = historyLineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.map(String).join(".") ?? "";
  throw new RunFolderError(
    `${where}: "${place}": ${issue?.message ?? "not as expected"}. Was it written by a newer version? Update blip2-bench.`,
  );
}

/**
 * Adds lines behind those that are there. The file is replaced as a whole, so a crash leaves no half line in it. If it does not
 * end with a line end, as an editor may leave it, one is added first.
 */
export async function appendHistory(path: string, lines: readonly HistoryLine[]): Promise<void> {
  const before = await historyText(path);
  const end = before === "" || before.endsWith("\n") ? "" : "\n";
  const text = before + end + lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  await writeOutputFile(path, "Give another file with --file.", text);
}

export interface Lane {
  /** `shapes-opt-small int8 vqav2 val, 991 samples` */
  readonly name: string;
  readonly machine: string;
  /** Lines in the order in which their runs started. */
  readonly lines: readonly HistoryLine[];
}

export function lanesOf(lines: readonly HistoryLine[]): readonly Lane[] {
  const lanes = new Map<string, { name: string; machine: string; lines: HistoryLine[] }>();
  for (const line of lines.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt))) {
    const { checkpoint, task, split, protocol, precision, samples, machine } = line;
    const words = [checkpoint, ...(precision === "fp32" ? [] : [precision]), task, split];
    const name = `${words.join(" ")}${protocol === "paper" ? "" : ` (${protocol})`}, ${samples} samples`;
    const key = JSON.stringify([name, machine]);
    const lane = lanes.get(key) ?? { name, machine, lines: [] };
    lane.lines.push(line);
    lanes.set(key, lane);
  }
  return [...lanes.values()];
}

/** Names of the measures of a lane: its metrics, then `time` and `memory`. */
export function measuresOf({ lines }: Lane): readonly string[] {
  const has = (name: string): boolean => lines.some((line) => valueOf(line, name) !== null);
  return [...new Set(lines.flatMap(({ metrics }) => Object.keys(metrics))), "time", "memory"].filter(has);
}

/** A measure in the unit in which it is shown: points, milliseconds a sample, MB. */
export function valueOf(line: HistoryLine, measure: string): number | null {
  if (measure === "time") return line.computeMs;
  if (measure === "memory") return line.peakMemoryBytes === null ? null : line.peakMemoryBytes / 1e6;
  const metric = line.metrics[measure];
  return metric === undefined ? null : metric.value * pointsPerUnsaidUnit;
}
