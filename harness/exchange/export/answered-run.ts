/** A run on disk as it is exported: every sample that it asks, with what the run holds of it. */
import { join } from "node:path";
import type { Sample, Split } from "../../../datasets/dataset.ts";
import { readPredictions } from "../../../reports/records/journal.ts";
import { readScores } from "../../../reports/records/read-scores.ts";
import { asFolderError, journalName, readRunRecord } from "../../../reports/records/run-files.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import type { Prediction, RunRecord, ScoreSheet } from "../../../reports/records/run-record.ts";
import type { ProtocolName, Task } from "../../../tasks/task.ts";
import { openRecorded } from "../../catalog/recorded-split.ts";
import type { RecordedPlaces } from "../../catalog/recorded-split.ts";

export interface AnsweredRun {
  readonly path: string;
  readonly record: RunRecord;
  readonly task: Task;
  readonly split: Split<Sample>;
  /** Samples that the run asks, in the order of the data set. */
  readonly asked: readonly AskedSample[];
  /** null: the run is not scored. */
  readonly scores: ScoreSheet | null;
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

/** Throws a RunFolderError for a broken run, a DatasetError where its data are not there. */
export async function readAnsweredRun(path: string, places: RecordedPlaces): Promise<AnsweredRun> {
  const record = await readRunRecord(path);
  const { task, split, samples } = await openRecorded(record, path, places);
  const predictions = await readPredictions(join(path, journalName)).catch((error: unknown) => {
    throw asFolderError(path, error);
  });
  const byId = new Map(predictions.map((prediction) => [prediction.id, prediction]));
  const scores = await readScores(path).catch((error: unknown) => {
    if (error instanceof RunFolderError) return null;
    throw error;
  });
  const answerOf = answerRule(task, record);
  const scoresOf = scoresById(scores);
  const asked = samples.map((sample): AskedSample => {
    const prediction = byId.get(sample.id) ?? null;
    const answer = prediction?.status === "predicted" ? answerOf(prediction.text) : null;
    return { sample, prediction, answer, scores: scoresOf(sample.id) };
  });
  return { path, record, task, split, asked, scores };
}

/** What makes the answer that is scored from a generated text: the rule of the run's protocol. */
function answerRule(task: Task, { config }: RunRecord): (text: string) => string {
  if (task.kind === "retrieval") return (text) => text;
  const protocol = Object.hasOwn(task.protocols, config.protocol) ? (config.protocol as ProtocolName) : null;
  if (protocol !== null) return task.protocols[protocol].answer;
  const known = Object.keys(task.protocols).join(", ");
  throw new RunFolderError(`Protocol ${config.protocol} of ${task.name} is not known here. Protocols: ${known}.`);
}

function scoresById(scores: ScoreSheet | null): (id: string) => Readonly<Record<string, number>> {
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
