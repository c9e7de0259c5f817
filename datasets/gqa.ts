/**
 * GQA: compositional questions about scenes, one answer each. Hudson & Manning 2019, arXiv 1902.09506, version 1.2.
 * The official file is an object of questions by id; the copies of LAVIS are lists. Both have the same name here.
 */
import { fileError, findAnnotationFile, splitNamed } from "./annotation-file.ts";
import type { AnnotationFile } from "./annotation-file.ts";
import type { Annotation, Dataset, DataSource, Split, VqaSample } from "./dataset.ts";
import { chooseImageFolder } from "./images.ts";
import { readJsonEntries } from "./json-records.ts";
import type { JsonRecord } from "./json-records.ts";
import { fieldsOf, fileNameField, hasField, idField, objectField, optionalField } from "./record-fields.ts";
import { refuseRepeats, stringField } from "./record-fields.ts";

interface Question {
  readonly sample: Omit<VqaSample, "image">;
  readonly imageId: string;
}

/** The balanced questions, which everyone reports. */
const SPLITS = {
  testdev: { hasAnswers: true },
  val: { hasAnswers: true },
  train: { hasAnswers: true },
  test: { hasAnswers: false }, // private
};

export const gqaQuestions: Dataset<VqaSample> = { name: "gqa", splits: Object.keys(SPLITS), open };

async function open(source: DataSource, splitName: string): Promise<Split<VqaSample>> {
  const { hasAnswers } = splitNamed("gqa", SPLITS, splitName);
  const split = `gqa ${splitName}`;
  const file = await findAnnotationFile(source, split, { name: `${splitName}_balanced_questions.json` });
  const questions = await readQuestions(file, hasAnswers);
  const imageIds = new Set(questions.map(({ imageId }) => imageId));
  const folder = await chooseImageFolder(source, split, {
    subfolder: "images",
    fileNames: Array.from(imageIds, (id) => `${id}.jpg`),
  });
  return {
    name: splitName,
    samples: questions.map(({ sample, imageId }) => {
      return { ...sample, image: { id: imageId, path: folder.pathOf(`${imageId}.jpg`) } };
    }),
    files: [file.path],
    imageFolder: folder.path,
  };
}

async function readQuestions(file: AnnotationFile, hasAnswers: boolean): Promise<readonly Question[]> {
  const questions: Question[] = [];
  const checkNew = refuseRepeats("question id");
  await readJsonEntries(file, (record) => {
    const question = readQuestion(record, hasAnswers);
    checkNew(question.sample.id, record.number);
    questions.push(question);
  });
  if (questions.length === 0) throw fileError(file, "holds no question.");
  return questions;
}

function readQuestion({ value, key }: JsonRecord, hasAnswers: boolean): Question {
  const fields = fieldsOf(value);
  const answer: Annotation | null = hasAnswers
    ? { answer: stringField(fields, "answer"), confidence: "yes", id: 1 }
    : null;
  const types = optionalField(fields, "types", objectField);
  // query, verify, logical, choose or compare
  const structure = (types && optionalField(types, "structural", stringField)) ?? "";
  return {
    sample: {
      id: key ?? idField(fields, "question_id"),
      question: stringField(fields, "question"),
      questionType: structure,
      answerType: structure === "" ? "" : structure === "query" ? "open" : "binary", // as GQA's eval.py splits its accuracy
      references: answer === null ? [] : [answer],
    },
    imageId: hasField(fields, "imageId")
      ? fileNameField(fields, "imageId")
      : fileNameField(fields, "image").replace(/\.jpg$/, ""),
  };
}
