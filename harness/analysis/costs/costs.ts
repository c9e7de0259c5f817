/**
 * What precisions cost: makes a row of each run on disk, compared with the fp32 run of its checkpoint on the same task
 * and samples. Only complete runs with equal data and settings are compared; a note names each of the others.
 */
import { join } from "node:path";
import { costsFormat } from "../../../reports/records/findings/costs.ts";
import type { CostRow, Costs } from "../../../reports/records/findings/costs.ts";
import { readFirstSteps } from "../../../reports/records/first-step.ts";
import { readPredictions, stagesOf } from "../../../reports/records/journal.ts";
import { readScores } from "../../../reports/records/read-scores.ts";
import { journalName, readRun, readSimilarities } from "../../../reports/records/run-files.ts";
import { identityFields } from "../../../reports/records/run-record.ts";
import type { Prediction, RunRecord } from "../../../reports/records/run-record.ts";
import { scoreRowsOf } from "../../../reports/findings/score-rows.ts";
import { firstStepDivergence, outputAgreement } from "./output-agreement.ts";
import { rankingAgreement } from "./ranking-agreement.ts";
import type { RankedRun } from "./ranking-agreement.ts";
import { recordedPrecision } from "../../../reports/records/recorded-precision.ts";

interface CostedRun {
  readonly folder: string;
  readonly record: RunRecord;
}

type Note = Costs["notes"][number];

/** It holds for each run of several machines, and is said of the first. */
const spreadReason =
  "no KL divergence: runs of several machines (--queue, --shard) keep no first steps. A run of one does, with --first-steps.";

/** The rows of these run folders, grouped by checkpoint and task in the order given, fp32 first in each group. */
export async function costsOf(folders: readonly string[]): Promise<Costs> {
  const notes: Note[] = [];
  const groups = new Map<string, CostedRun[]>();
  for (const folder of folders) {
    const { record } = await readRun(folder);
    const { samples, predicted } = record.counts;
    if (record.status !== "complete") {
      const reason = `left out: ${predicted} of ${samples} samples are predicted. Finish it with the command that began it.`;
      notes.push({ run: folder, reason });
      continue;
    }
    const key = comparable(record);
    groups.set(key, [...(groups.get(key) ?? []), { folder, record }]);
  }
  const rows: CostRow[] = [];
  for (const runs of groups.values()) rows.push(...(await rowsOfGroup(runs, notes)));
  return { format: costsFormat, rows, notes };
}

/** A key that is equal for runs that differ only in precision and in settings that cannot change a prediction. */
function comparable(record: RunRecord): string {
  const fields = [...identityFields(record)].filter(([name]) => !name.startsWith("config.precision"));
  return JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function runPrecision({ record }: CostedRun): string {
  return recordedPrecision(record.config);
}

async function rowsOfGroup(runs: readonly CostedRun[], notes: Note[]): Promise<readonly CostRow[]> {
  const distinct: CostedRun[] = [];
  for (const run of runs) {
    const before = distinct.find((other) => runPrecision(other) === runPrecision(run));
    if (before === undefined) distinct.push(run);
    else notes.push({ run: run.folder, reason: `left out: the same run as ${before.folder}.` });
  }
  const reference = distinct.find((run) => runPrecision(run) === "fp32") ?? null;
  const ordered = reference === null ? distinct : [reference, ...distinct.filter((run) => run !== reference)];
  const predictions = reference === null ? [] : await predictionsOf(reference);
  const rows: CostRow[] = [];
  for (const run of ordered) {
    if (reference === null) {
      const reason = "compared with nothing: no fp32 run of the same checkpoint, samples, choices and code is there.";
      notes.push({ run: run.folder, reason });
    }
    rows.push(await rowOf(run, reference && { run: reference, predictions }, notes));
  }
  return rows;
}

function predictionsOf({ folder }: CostedRun): Promise<readonly Prediction[]> {
  return readPredictions(join(folder, journalName));
}

interface Fp32Run {
  readonly run: CostedRun;
  readonly predictions: readonly Prediction[];
}

async function rowOf(run: CostedRun, reference: Fp32Run | null, notes: Note[]): Promise<CostRow> {
  const { folder, record } = run;
  const other = reference === null || reference.run === run ? null : reference;
  const predictions = reference?.run === run ? reference.predictions : await predictionsOf(run);
  const scores = await readScores(folder);
  const [row] = scoreRowsOf({ record, scores });
  const [headline] = scores.metrics;
  const { measured } = record;
  const stages = { ...measured?.stagesMs, ...stagesOf(predictions) };
  const { samples } = record.counts;
  const perSample = Object.entries(stages).map(([stage, ms]): [string, number] => [stage, ms / samples]);
  return {
    run: folder,
    checkpoint: record.checkpoint.name,
    precision: runPrecision(run),
    task: record.config.task,
    split: record.data.split,
    protocol: row?.protocol ?? record.config.protocol,
    samples,
    score: headline === undefined ? null : pick(headline),
    difference: other && (await differenceToFp32(other.run, headline?.value ?? null)),
    outputs: other && outputAgreement(other.predictions, predictions),
    firstStep: other && (await firstStepOf(other.run, run, notes)),
    ranking: other && (await rankingOf(other.run, run)),
    stagesMs: Object.fromEntries(perSample),
    loadMs: measured?.loadMs ?? null,
    weightsBytes: measured?.weightsBytes ?? null,
    memoryBeforeBytes: measured?.memoryBeforeBytes ?? null,
    loadedMemoryBytes: measured?.loadedMemoryBytes ?? null,
    peakMemoryBytes: measured?.peakMemoryBytes ?? null,
  };
}

function pick({ name, unit, value, interval }: NonNullable<CostRow["score"]>): CostRow["score"] {
  return { name, unit, value, interval };
}

async function differenceToFp32(reference: CostedRun, value: number | null): Promise<number | null> {
  const before = (await readScores(reference.folder)).metrics[0]?.value ?? null;
  return before === null || value === null ? null : value - before;
}

/** Compares the first-token probabilities of two runs. A damaged file is noted once. */
async function firstStepOf(reference: CostedRun, run: CostedRun, notes: Note[]): Promise<CostRow["firstStep"]> {
  if (run.record.config.retrieval !== undefined) return null;
  const [before, now] = await Promise.all(
    [reference, run].map(({ folder, record }) => readFirstSteps(folder, record.identity)),
  );
  for (const [{ folder, record }, found] of [[reference, before!] as const, [run, now!] as const]) {
    if (found.status === "found") continue;
    const isSpread = record.machines !== undefined && found.status !== "damaged";
    const what = found.status === "damaged" ? found.damage : "no first-step.f32 in it, so no KL divergence.";
    const reason = isSpread ? spreadReason : `${what} The command that made the run makes it, with --first-steps.`;
    const isNoted = notes.some((note) => note.reason === reason && (isSpread || note.run === folder));
    if (!isNoted) notes.push({ run: folder, reason });
  }
  if (before?.status !== "found" || now?.status !== "found") return null;
  return firstStepDivergence(before.steps, now.steps);
}

async function rankingOf(reference: CostedRun, run: CostedRun): Promise<CostRow["ranking"]> {
  if (run.record.config.retrieval === undefined) return null;
  const [before, now] = [await rankedRun(reference), await rankedRun(run)];
  return before === null || now === null ? null : rankingAgreement(before, now);
}

/** The similarities and matching logits of a retrieval run; null: the file of similarities is missing. */
async function rankedRun({ folder, record }: CostedRun): Promise<RankedRun | null> {
  const predictions = await predictionsOf({ folder, record });
  const matched = predictions.flatMap((prediction) =>
    prediction.status === "matched"
      ? [{ texts: Int32Array.from(prediction.texts), logits: Float32Array.from(prediction.logits) }]
      : [],
  );
  const images = matched.length;
  const values = await readSimilarities(folder, null);
  if (values === null || images === 0 || values.length % images !== 0) return null;
  const similarities = { values, images, texts: values.length / images };
  return { similarities, rerank: record.config.retrieval?.rerank ?? 0, matched };
}
