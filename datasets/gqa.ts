/**
 * GQA: compositional questions about scenes, one answer each. Hudson & Manning 2019, arXiv 1902.09506, version 1.2. The
 * official file is a JSON object of questions by id; LAVIS's copy of it is a list. Both are read, under the official
 * name.
 */
import { fileError, findAnnotationFile, splitNamed } from "./annotation-file.ts";
import type { AnnotationFile } from "./annotation-file.ts";
import type { Annotation, Dataset, DataSource, Split, VqaSample } from "./dataset.ts";
import { chooseImageFolder } from "./images.ts";
import { readJsonEntries } from "./json-records.ts";
import type { JsonRecord } from "./json-records.ts";
import { inRowOrder } from "./parquet/mirror-images.ts";
import { areBeside, filesNamed, filesOf, openMirror, restrictedTo } from "./parquet/mirror.ts";
import type { Mirror } from "./parquet/mirror.ts";
import { readRows } from "./parquet/parquet-file.ts";
import { fieldsOf, fileNameField, hasField, idField, objectField, optionalField } from "./record-fields.ts";
import { refuseRepeats, stringField } from "./record-fields.ts";

interface Question {
  readonly sample: Omit<VqaSample, "image">;
  readonly imageId: string;
}

/** The balanced questions, on which results are usually reported. */
const SPLITS = {
  testdev: { hasAnswers: true },
  val: { hasAnswers: true },
  train: { hasAnswers: true },
  test: { hasAnswers: false }, // the answers are private
};

export const gqaQuestions: Dataset<VqaSample> = { name: "gqa", splits: Object.keys(SPLITS), open };

async function open(source: DataSource, splitName: string): Promise<Split<VqaSample>> {
  const { hasAnswers } = splitNamed("gqa", SPLITS, splitName);
  const split = `gqa ${splitName}`;
  const fileName = `${splitName}_balanced_questions.json`;
  const mirror = await openMirror(source, split);
  const isMirror = mirror !== null && !(await areBeside(source, [fileName]));
  const { questions, files, images } = isMirror
    ? await readRowQuestions(mirror, { split: splitName, hasAnswers, fileName })
    : { ...(await readFile(await findAnnotationFile(source, split, { name: fileName }), hasAnswers)), images: mirror };
  const imageIds = new Set(questions.map(({ imageId }) => imageId));
  const folder = await chooseImageFolder(source, split, {
    subfolder: "images",
    fileNames: Array.from(imageIds, (id) => `${id}.jpg`),
    mirror: images,
  });
  const samples = questions.map(({ sample, imageId }): VqaSample => {
    return { ...sample, image: folder.imageOf(imageId, `${imageId}.jpg`) };
  });
  return {
    name: splitName,
    samples: isMirror ? samples : inRowOrder(samples),
    files: [...new Set([...files, ...folder.files])],
    imageFolder: folder.path,
  };
}

/**
 * Mirrors store questions and images in separate folders, testdev_balanced_instructions and testdev_balanced_images,
 * joined by the image's id.
 */
async function readRowQuestions(
  mirror: Mirror,
  { split, hasAnswers, fileName }: { split: string; hasAnswers: boolean; fileName: string },
): Promise<ReadFile & { readonly images: Mirror }> {
  const otherwise = `Put ${fileName} beside the parquet files: then it counts, and the rows give the images.`;
  const files = filesOf(mirror, { split, columns: ["question", "imageId"], otherwise });
  const questions: Question[] = [];
  const checkNew = refuseRepeats("question id");
  for (const file of files) {
    await readRows(file, ["id", "imageId", "question", "answer", "types"], (fields, row) => {
      const question = readQuestion({ value: fields.object, key: idField(fields, "id") }, hasAnswers);
      checkNew(question.sample.id, row);
      questions.push(question);
    });
  }
  const ofSplit = filesNamed(mirror, split); // includes the files of images
  return { questions, files: files.map(({ path }) => path), images: restrictedTo(mirror, ofSplit) };
}

interface ReadFile {
  readonly questions: readonly Question[];
  readonly files: readonly string[];
}

async function readFile(file: AnnotationFile, hasAnswers: boolean): Promise<ReadFile> {
  return { questions: await readQuestions(file, hasAnswers), files: [file.path] };
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

function readQuestion({ value, key }: Omit<JsonRecord, "number">, hasAnswers: boolean): Question {
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
