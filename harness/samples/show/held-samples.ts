/**
 * The samples of a run as `show` has them: with question and references where the data are there, else what the run's folder
 * holds of each.
 */
import { DatasetError } from "../../../datasets/dataset.ts";
import type { ImageFile, Sample } from "../../../datasets/dataset.ts";
import type { Prediction } from "../../../reports/records/run-record.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { RecordedPlaces } from "../../catalog/recorded-split.ts";
import { answersById, readHeldRun, scoresById, withData } from "../answered-run.ts";
import type { AnsweredRun, HeldRun } from "../answered-run.ts";
import { isQuestion, referencesOf } from "../sample-kinds.ts";

export interface ShownRun {
  readonly run: HeldRun;
  /** null: its data are not there. */
  readonly answered: AnsweredRun | null;
  /** Why not; null: they are. */
  readonly problem: string | null;
  readonly samples: readonly HeldSample[];
}

export interface HeldSample {
  readonly id: string;
  /** Id of the image. */
  readonly image: string;
  /** null: the data are not there. */
  readonly imageFile: ImageFile | null;
  readonly question: string | null;
  readonly references: readonly string[];
  /** Further columns of the data set that are one text or number each, such as `answerType`. */
  readonly columns: Readonly<Record<string, string | number>>;
  /** null: it was not asked yet. */
  readonly prediction: Prediction | null;
  readonly answer: string | null;
  readonly scores: Readonly<Record<string, number>>;
}

/** Throws a RunFolderError for a broken run. */
export async function readShownRun(path: string, places: RecordedPlaces): Promise<ShownRun> {
  const run = await readHeldRun(path);
  try {
    const answered = await withData(run, places);
    const samples = answered.asked.map(({ sample, prediction, answer, scores }): HeldSample => ({
      ...dataOf(sample),
      prediction,
      answer,
      scores,
    }));
    return { run, answered, problem: null, samples };
  } catch (error) {
    if (!(error instanceof DatasetError || error instanceof UsageError)) throw error;
    return { run, answered: null, problem: error.message, samples: withoutData(run) };
  }
}

type OfData = Pick<HeldSample, "id" | "image" | "imageFile" | "question" | "references" | "columns">;

function dataOf(sample: Sample): OfData {
  const { id, image } = sample;
  return {
    id,
    image: image.id,
    imageFile: image,
    question: isQuestion(sample) ? sample.question : null,
    references: referencesOf(sample),
    columns: columnsOf(sample),
  };
}

const shownElsewhere: ReadonlySet<string> = new Set(["id", "image", "question"]);

/** Its fields and, of own data, its columns that are one text or number each. */
export function columnsOf(sample: Sample): HeldSample["columns"] {
  const own = Object.entries<unknown>({ ...sample }).flatMap(([name, value]) => {
    const isColumns = name === "columns" && typeof value === "object" && value !== null;
    return isColumns ? Object.entries<unknown>({ ...value }) : [[name, value] as const];
  });
  const columns = own.flatMap(([name, value]) => {
    const isOne = (typeof value === "string" && value !== "") || typeof value === "number";
    return isOne && !shownElsewhere.has(name) ? [[name, value] as const] : [];
  });
  return Object.fromEntries(columns);
}

function withoutData(run: HeldRun): readonly HeldSample[] {
  const scoresOf = scoresById(run.scores);
  const answerOf = answersById(run.scores);
  const { id: ids = [], answerType: types = [] } = run.scores?.samples ?? {};
  const placeOf = new Map(ids.map((id, place) => [String(id), place]));
  return [...run.predictions.values()].map((prediction): HeldSample => {
    const { id, image } = prediction;
    const place = placeOf.get(id);
    const type = place === undefined ? undefined : types[place];
    return {
      id,
      image,
      imageFile: null,
      question: null,
      references: [],
      columns: type === undefined ? {} : { answerType: type },
      prediction,
      answer: answerOf(id),
      scores: scoresOf(id),
    };
  });
}
