/**
 * Rows of questions: VQAv2's and OK-VQA's mirrors, which have everything a score needs in them. VQAv2's answers are records as in
 * the official file, OK-VQA's are texts alone, in the annotators' order.
 */
import { DatasetError } from "../dataset.ts";
import type { Annotation } from "../dataset.ts";
import { memo, readReferences } from "../question-records.ts";
import type { Answers, Question, ReadQuestions } from "../question-records.ts";
import {
  hasField,
  idField,
  optionalField,
  RecordError,
  refuseRepeats,
  stringField,
  textsField,
} from "../record-fields.ts";
import type { Fields } from "../record-fields.ts";
import { imageIdOfRow } from "./mirror-images.ts";
import { filesOf, restrictedTo } from "./mirror.ts";
import type { Mirror } from "./mirror.ts";
import { readRows } from "./parquet-file.ts";

const columns = ["question_id", "image_id", "question", "answers", "question_type", "answer_type"];

/** Answers of a question, in both data sets: a score compares each with the other nine. */
const annotators = 10;

interface RowFormat {
  readonly parts: readonly string[];
  readonly hasAnnotations: boolean;
  /** The official files that have what rows may lack. */
  readonly fileNames: readonly string[];
}

/** In the order of the rows. `images`: the mirror their images are in. */
export async function readQuestionRows(
  mirror: Mirror,
  { parts, hasAnnotations, fileNames }: RowFormat,
): Promise<ReadQuestions & { readonly images: Mirror }> {
  const otherwise = `Put ${fileNames.join(" and ")} beside the parquet files: then they count, and the rows give the images.`;
  const files = filesOf(mirror, { parts, columns: ["question_id", "question"], otherwise });
  const questions: Question[] = [];
  const answers = new Map<string, Answers>();
  const checkNew = refuseRepeats("question_id");
  const shared = memo((text: string) => text); // two million answers, some tens of thousands of different ones
  let before = 0;
  for (const file of files) {
    await readRows(file, columns, (fields, row) => {
      const id = idField(fields, "question_id");
      checkNew(id, before + row);
      const imageId = Number(imageIdOfRow(fields));
      if (!Number.isSafeInteger(imageId)) throw new RecordError(`the image of question ${id} has no number`);
      questions.push({ id, imageId, text: stringField(fields, "question") });
      if (!hasAnnotations) return;
      const references = readAnswers(fields, shared);
      if (references.length !== annotators) {
        throw new RecordError(`question ${id} has ${references.length} answers, expected ${annotators}. ${otherwise}`);
      }
      const questionType = shared(optionalField(fields, "question_type", stringField) ?? "");
      const answerType = shared(optionalField(fields, "answer_type", stringField) ?? "");
      answers.set(id, { questionType, answerType, references });
    });
    before += file.rows;
  }
  if (questions.length === 0)
    throw new DatasetError(`${mirror.split}: ${mirror.folder}: the parquet files have no row.`);
  const images = restrictedTo(mirror, files);
  return { questions, answers: hasAnnotations ? answers : null, files: files.map(({ path }) => path), images };
}

function readAnswers(fields: Fields, shared: (text: string) => string): readonly Annotation[] {
  if (!hasField(fields, "answers") || fields.object["answers"] === null) return [];
  const texts = textsField(fields, "answers");
  if (texts === null) return readReferences(fields, shared);
  return texts.map((answer, place) => ({ answer: shared(answer), confidence: "", id: place + 1 }));
}
