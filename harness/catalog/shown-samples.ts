/** Chosen samples as the data set has them: question, references and its image. Opened as `score` opens it. */
import { DatasetError, limitSamples } from "../../datasets/dataset.ts";
import type { ImageFile, Sample } from "../../datasets/dataset.ts";
import type { Catalog } from "./catalog.ts";
import { describeDataFiles } from "./data-files.ts";
import { recordedSource } from "./open-split.ts";
import type { RunRecord } from "../../reports/records/run-record.ts";

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
  /** Why there are none; null where there are. */
  readonly problem: string | null;
}

/** `data`: the folder of the data set's files, where they have moved. */
export async function readShownSamples(
  { record }: { readonly record: RunRecord },
  wanted: ReadonlySet<string>,
  { catalog, data }: { readonly catalog: Catalog; readonly data: string | null },
): Promise<ShownSamples> {
  try {
    const task = catalog.tasks.find(({ name }) => name === record.config.task);
    if (task === undefined) return none(`task ${record.config.task} is not known here.`);
    const split = await task.dataset.open(recordedSource(record, data, catalog), record.data.split);
    const problem = await otherFiles(record, split.files);
    if (problem !== null) return none(problem);
    const byId = new Map<string, ShownSample>();
    for (const sample of split.samples) if (wanted.has(sample.id)) byId.set(sample.id, shownSampleOf(sample));
    const asked = task.kind === "retrieval" ? limitSamples(split.samples, record.config.limit) : [];
    return {
      byId,
      texts: asked.flatMap((sample) => textsOf(sample).map((text) => ({ text, image: sample.image.id }))),
      problem: null,
    };
  } catch (error) {
    if (error instanceof DatasetError) return none(error.message);
    throw error;
  }
}

function none(problem: string): ShownSamples {
  return { byId: new Map(), texts: [], problem: `Without questions, references and images: ${problem}` };
}

async function otherFiles({ data }: RunRecord, paths: readonly string[]): Promise<string | null> {
  const expected = new Map(data.files.map(({ name, sha256 }) => [name, sha256]));
  const files = await describeDataFiles(paths);
  const other = files.find(({ name, sha256 }) => expected.get(name) !== sha256);
  if (other === undefined) return null;
  return `${other.name} is not the one that was asked: found SHA-256 ${other.sha256}, expected ${expected.get(other.name) ?? "none"}. Give the folder of those with --data.`;
}

function shownSampleOf(sample: Sample): ShownSample {
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
