/** Chosen samples as the data set has them: question, references and its image. Opened as `score` opens it. */
import { DatasetError } from "../../datasets/dataset.ts";
import type { ImageFile, Sample } from "../../datasets/dataset.ts";
import type { RunRecord } from "../../reports/records/run-record.ts";
import { openRecorded } from "./recorded-split.ts";
import type { RecordedPlaces, RecordedSplit } from "./recorded-split.ts";
import { UsageError } from "./usage-error.ts";

export interface ShownSample {
  /** null: the task asks none. */
  readonly text: string | null;
  readonly references: readonly string[];
  readonly image: ImageFile;
}

export interface ShownSamples {
  /** By sample id. */
  readonly byId: ReadonlyMap<string, ShownSample>;
  /** Of a retrieval task: all texts of the split, by their place, each with the id of its image. */
  readonly texts: readonly { readonly text: string; readonly image: string }[];
  /** The split as it was opened; null: there are no samples. */
  readonly recorded: RecordedSplit | null;
  /** Why there are none; null where there are. */
  readonly problem: string | null;
}

/** Gives the reason in `problem` where the data are not there. `path`: the run's folder. */
export async function readShownSamples(
  { record, path }: { readonly record: RunRecord; readonly path: string },
  wanted: ReadonlySet<string>,
  places: RecordedPlaces,
): Promise<ShownSamples> {
  try {
    const recorded = await openRecorded(record, path, places);
    const { task, split, samples } = recorded;
    const byId = new Map<string, ShownSample>();
    for (const sample of split.samples) if (wanted.has(sample.id)) byId.set(sample.id, shownSampleOf(sample));
    const asked = task.kind === "retrieval" ? samples : [];
    return {
      byId,
      texts: asked.flatMap((sample) => textsOf(sample).map((text) => ({ text, image: sample.image.id }))),
      recorded,
      problem: null,
    };
  } catch (error) {
    if (error instanceof DatasetError || error instanceof UsageError) return none(error.message);
    throw error;
  }
}

function none(problem: string): ShownSamples {
  return {
    byId: new Map(),
    texts: [],
    recorded: null,
    problem: `Without questions, references and images: ${problem}`,
  };
}

/** What a task shows of a sample. */
export function shownSampleOf(sample: Sample): ShownSample {
  const { image } = sample;
  if ("texts" in sample) return { text: "Which text is of this image?", references: textsOf(sample), image };
  const question = "question" in sample && typeof sample.question === "string" ? sample.question : null;
  const references = "references" in sample && Array.isArray(sample.references) ? sample.references : [];
  return { text: question, references: references.flatMap(referenceText), image };
}

/** A caption, or an annotator's answer. */
function referenceText(reference: unknown): readonly string[] {
  if (typeof reference === "string") return [reference];
  const isAnswer = typeof reference === "object" && reference !== null && "answer" in reference;
  return isAnswer && typeof reference.answer === "string" ? [reference.answer] : [];
}

function textsOf(sample: Sample): readonly string[] {
  if (!("texts" in sample) || !Array.isArray(sample.texts)) return [];
  return sample.texts.flatMap((one: unknown) => {
    return typeof one === "object" && one !== null && "text" in one && typeof one.text === "string" ? [one.text] : [];
  });
}
