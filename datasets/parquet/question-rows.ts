/**
 * Rows of questions in mirrors of VQAv2 and OK-VQA, which hold everything that a score needs. VQAv2's answers are
 * records as in the official file; OK-VQA's are plain texts in the order of the annotators.
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

/** Number of answers of a question in both data sets: the score compares each with the other nine. */
const annotators = 10;

interface RowFormat {
  readonly split: string;
  readonly hasAnnotations: boolean;
  /** The official files that hold what rows may lack, for the error message. */
  readonly fileNames: readonly string[];
}

/** Reads the rows in order. `images`: the mirror that holds the images. */
export async function readQuestionRows(
  mirror: Mirror,
  { split, hasAnnotations, fileNames }: RowFormat,
): Promise<ReadQuestions & { readonly images: Mirror }> {
  const otherwise = `Put ${fileNames.join(" and ")} beside the parquet files: then they count, and the rows give the images.`;
  const files = filesOf(mirror, { split, columns: ["question_id", "question"], otherwise });
  const questions: Question[] = [];
  const answers = new Map<string, Answers>();
  const checkNew = refuseRepeats("question_id");
  const shared = memo((text: string) => text); // two million answers, of which only tens of thousands are distinct
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
