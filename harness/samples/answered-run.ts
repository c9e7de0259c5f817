/** A run on disk, sample by sample: what its folder holds, and, where its data are there, what it was asked. */
import { join } from "node:path";
import { limitSamples } from "../../datasets/dataset.ts";
import type { Sample, Split } from "../../datasets/dataset.ts";
import { readPredictions } from "../../reports/records/journal.ts";
import { readScores } from "../../reports/records/read-scores.ts";
import { asFolderError, journalName, readRunRecord } from "../../reports/records/run-files.ts";
import { RunFolderError } from "../../reports/records/run-folder-error.ts";
import type { Prediction, RunRecord, ScoreSheet } from "../../reports/records/run-record.ts";
import type { ProtocolName, Task } from "../../tasks/task.ts";
import { openRecorded } from "../catalog/recorded-split.ts";
import type { RecordedPlaces, RecordedSplit, RecordedTask } from "../catalog/recorded-split.ts";

/** What the run's folder holds. */
export interface HeldRun {
  readonly path: string;
  readonly record: RunRecord;
  /** By sample id. */
  readonly predictions: ReadonlyMap<string, Prediction>;
  /** null: the run is not scored. */
  readonly scores: ScoreSheet | null;
}

/** The run beside its data. */
export interface AnsweredRun extends HeldRun, RecordedTask {
  readonly split: Split<Sample>;
  /** Samples that the run asks, in the order of the data set. */
  readonly asked: readonly AskedSample[];
}

export interface AskedSample {
  readonly sample: Sample;
  /** null: it was not asked yet. */
  readonly prediction: Prediction | null;
  /** The answer as it is scored; null where there is none. */
  readonly answer: string | null;
  /** Scores by name, and the counts that scores are computed from; empty where the sample is not scored. */
  readonly scores: Readonly<Record<string, number>>;
}

/** Throws a RunFolderError for a broken run. */
export async function readHeldRun(path: string): Promise<HeldRun> {
  const record = await readRunRecord(path);
  const predictions = await readPredictions(join(path, journalName)).catch((error: unknown) => {
    throw asFolderError(path, error);
  });
  const scores = await readScores(path).catch((error: unknown) => {
    if (error instanceof RunFolderError) return null;
    throw error;
  });
  return { path, record, predictions: new Map(predictions.map((each) => [each.id, each])), scores };
}

/** Throws a DatasetError where the run's data are not there, a UsageError where its task is not known. */
export async function withData(run: HeldRun, places: RecordedPlaces): Promise<AnsweredRun> {
  return besideData(run, await openRecorded(run.record, run.path, places));
}

/** The run beside its split, which can have been opened for another run of the same data. */
export function besideData(
  run: HeldRun,
  { task, otherTask, split }: Pick<RecordedSplit, "task" | "otherTask" | "split">,
): AnsweredRun {
  const { record, predictions, scores } = run;
  const answerOf = otherTask === null ? answerRule(task, record) : null;
  const scoredAnswerOf = answersById(scores);
  const scoresOf = scoresById(scores);
  const asked = limitSamples(split.samples, record.config.limit).map((sample): AskedSample => {
    const prediction = predictions.get(sample.id) ?? null;
    const answer =
      prediction !== null && "text" in prediction ? (answerOf?.(prediction.text) ?? scoredAnswerOf(sample.id)) : null;
    return { sample, prediction, answer, scores: scoresOf(sample.id) };
  });
  return { ...run, task, otherTask, split, asked };
}

/** What makes the answer that is scored from a generated text: the rule of the run's protocol. */
function answerRule(task: Task, { config }: RunRecord): (text: string) => string {
  if (task.kind === "retrieval") return (text) => text;
  const protocol = Object.hasOwn(task.protocols, config.protocol) ? (config.protocol as ProtocolName) : null;
  if (protocol !== null) return task.protocols[protocol].answer;
  const known = Object.keys(task.protocols).join(", ");
  throw new RunFolderError(`Protocol ${config.protocol} of ${task.name} is not known here. Protocols: ${known}.`);
}

/** The answers that scores.json has; null: it has none of a sample. */
export function answersById(scores: ScoreSheet | null): (id: string) => string | null {
  const { id: ids = [], answer: answers = [] } = scores?.samples ?? {};
  const byId = new Map(ids.map((id, place) => [String(id), answers[place]]));
  return (id) => {
    const answer = byId.get(id);
    return answer === undefined ? null : String(answer);
  };
}

/** The numbers that scores.json has of each sample. */
export function scoresById(scores: ScoreSheet | null): (id: string) => Readonly<Record<string, number>> {
  const { id: ids = [], ...columns } = scores?.samples ?? {};
  const places = new Map(ids.map((id, place) => [String(id), place]));
  const numbers = Object.entries(columns).filter(([, column]) => typeof column[0] === "number");
  return (id) => {
    const place = places.get(id);
    if (place === undefined) return {};
    return Object.fromEntries(
      numbers.flatMap(([name, column]) => (typeof column[place] === "number" ? [[name, column[place]] as const] : [])),
    );
  };
}
