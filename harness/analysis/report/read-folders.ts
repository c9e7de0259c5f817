/**
 * Reads folders as runs and benches for a report; those that cannot be compared with others are set apart with the
 * reasons.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import * as z from "zod";
import { parseBenchPoint, parseBenchRecord } from "../../../reports/records/bench/bench-record.ts";
import type { BenchPoint } from "../../../reports/records/bench/bench-record.ts";
import { readScores } from "../../../reports/records/read-scores.ts";
import { measuredSchema } from "../../../reports/report/report-data.ts";
import type { Apart, FileState, RunMeasures, ReportBench } from "../../../reports/report/report-data.ts";
import { recordName } from "../../../reports/records/run-files.ts";
import { RunFolderError, systemCode } from "../../../reports/records/run-folder-error.ts";
import { identityHash, parseRunRecord } from "../../../reports/records/run-record.ts";
import type { RunRecord, ScoreSheet } from "../../../reports/records/run-record.ts";
import { readTextFile, TextFileError } from "../../../reports/records/text-file.ts";
import { scoreRowsOf } from "../../../reports/findings/score-rows.ts";
import type { AnswerColumns, RunAnswers } from "./answer-groups.ts";
import { benchName } from "../../../reports/records/find-folders.ts";

/** A run that was read without problems. */
export interface ReadRun {
  readonly path: string;
  readonly record: RunRecord;
  readonly measured: RunMeasures;
  /** Scores without the columns by sample. */
  readonly scores: ScoreSheet;
  readonly answers: RunAnswers;
}

/** Reads a run, or says why it is set apart. */
export async function readRunFolder(path: string, columns: AnswerColumns): Promise<ReadRun | Apart> {
  let record: RunRecord | null = null;
  try {
    const text = await readTextFile(join(path, recordName));
    record = parseRunRecord(text, join(path, recordName));
    const sheet = await readScores(path).catch((error: unknown) => error);
    const reasons = reasonsApart(record, sheet);
    if (!isSheet(sheet) || reasons.length > 0)
      return apartRun(path, { record, sheet: isSheet(sheet) ? sheet : null, reasons });
    const { format, code, counts, metrics } = sheet;
    const scores = { format, code, counts, metrics, samples: {} };
    return { path, record, measured: measuredOf(text), scores, answers: columns.add(record, sheet) };
  } catch (error) {
    if (!isOfFolder(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return { folder: path, kind: "run", reasons: [reason], rows: [] };
  }
}

/** Whether an error concerns one folder only, so that the report can go on with the others. */
function isOfFolder(error: unknown): boolean {
  return error instanceof RunFolderError || error instanceof TextFileError || systemCode(error) !== null;
}

export function isApart(found: ReadRun | Apart): found is Apart {
  return "reasons" in found;
}

function isSheet(sheet: unknown): sheet is ScoreSheet {
  return typeof sheet === "object" && sheet !== null && "metrics" in sheet;
}

/** Sets a run apart that was read but cannot be compared with the others. */
export function apartRun(
  path: string,
  { record, sheet, reasons }: { record: RunRecord; sheet: ScoreSheet | null; reasons: readonly string[] },
): Apart {
  const rows = sheet === null ? [] : scoreRowsOf({ record, scores: sheet });
  return { folder: path, kind: "run", reasons, rows: [...rows] };
}

function reasonsApart(record: RunRecord, sheet: unknown): readonly string[] {
  const { status, counts, identity } = record;
  const reasons: string[] = [];
  if (status === "running") reasons.push("It is running, or was stopped without a word. Go on with the run.");
  if (status === "interrupted") reasons.push("It was interrupted. Go on with the run.");
  if (status === "partial") {
    const missing = counts.samples - counts.predicted;
    reasons.push(
      `It is partial: ${missing} of ${counts.samples} samples have no prediction. The same command tries them again.`,
    );
  }
  const expected = identityHash(record);
  if (identity !== expected) {
    reasons.push(
      `run.json is not as it was written: its identity is ${identity}, what it says has ${expected}. Was it edited by hand?`,
    );
  }
  if (!isSheet(sheet)) reasons.push(sheet instanceof Error ? sheet.message : String(sheet));
  else if (sheet.counts.samples !== counts.samples) {
    reasons.push(
      `scores.json is of ${sheet.counts.samples} samples, run.json of ${counts.samples}. Score the run again.`,
    );
  } else if (sheet.counts.scored !== counts.samples && status === "complete") {
    reasons.push(`scores.json scores ${sheet.counts.scored} of ${counts.samples} samples. Score the run again.`);
  }
  return reasons;
}

const withMeasured = z.object({ measured: measuredSchema.optional() });

/** Load time and memory that a run measured; empty where they are missing or in another format. */
function measuredOf(text: string): RunMeasures {
  return withMeasured.safeParse(JSON.parse(text)).data?.measured ?? {};
}

/** Reads a bench folder, without its id in the report; or says why it is set apart. */
export async function readBenchFolder(path: string): Promise<Omit<ReportBench, "id"> | Apart> {
  try {
    const files: FileState[] = [];
    const read = async (name: string): Promise<string> => {
      const text = await readTextFile(join(path, name));
      files.push({ name, sha256: createHash("sha256").update(text).digest("hex"), recorded: null });
      return text;
    };
    const record = parseBenchRecord(await read(benchName), join(path, benchName));
    const points: BenchPoint[] = [];
    for (const point of record.points) {
      const name = join("points", point, "point.json");
      const text = await read(name).catch((error: unknown) => {
        if (systemCode(error) === "ENOENT") return null; // not measured yet
        throw error;
      });
      if (text !== null) points.push(parseBenchPoint(text, join(path, name)));
    }
    if (points.length > 0) return { folder: path, record, files, points };
    const reason = `None of its ${record.points.length} points is measured. Go on with the bench.`;
    return { folder: path, kind: "bench", reasons: [reason], rows: [] };
  } catch (error) {
    if (!isOfFolder(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return { folder: path, kind: "bench", reasons: [reason], rows: [] };
  }
}
