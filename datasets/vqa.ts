/**
 * The question + annotation pair of files: VQAv2 (visualqa.org, version 2.0, April 2017) and OK-VQA (okvqa.allenai.org,
 * version 1.1). Questions are the samples, in the order of their file; annotations are joined to them by question id.
 * The answers of the test splits are private: there the references are empty. Fields that no score needs may be missing.
 */
import { countOf, fileError, findAnnotationFile, splitNamed } from "./annotation-file.ts";
import type { AnnotationFile } from "./annotation-file.ts";
import type { Annotation, Dataset, DataSource, ImageFile, Split, VqaSample } from "./dataset.ts";
import { chooseImageFolder, cocoFileName } from "./images.ts";
import { readJsonLists } from "./json-records.ts";
import type { TopLevelFields } from "./json-records.ts";
import {
  fieldsOf,
  idField,
  integerField,
  listField,
  optionalField,
  RecordError,
  refuseRepeats,
  stringField,
} from "./record-fields.ts";
import type { Fields } from "./record-fields.ts";

/** A split as the official names spell it. */
interface QuestionFiles {
  /** Names the files and is their `data_subtype`. */
  readonly subtype: string;
  /** Names the images and their folder. */
  readonly imagePart: string;
  readonly hasAnnotations: boolean;
}

interface Question {
  readonly id: string;
  readonly imageId: number;
  readonly text: string;
}

type Answers = Pick<VqaSample, "questionType" | "answerType" | "references">;

const VAL = { subtype: "val2014", imagePart: "val2014", hasAnnotations: true };
const TRAIN = { subtype: "train2014", imagePart: "train2014", hasAnnotations: true };

/** Open-ended questions about COCO images, ten answers each. Goyal et al. 2017, arXiv 1612.00837. */
export const vqav2Questions: Dataset<VqaSample> = questionDataset("vqav2", "v2_", {
  val: VAL,
  train: TRAIN,
  "test-dev": { subtype: "test-dev2015", imagePart: "test2015", hasAnnotations: false },
  test: { subtype: "test2015", imagePart: "test2015", hasAnnotations: false },
});

/** Questions that need outside knowledge, five answers each written twice. Marino et al. 2019, arXiv 1906.00067. */
export const okVqaQuestions: Dataset<VqaSample> = questionDataset("ok-vqa", "", { val: VAL, train: TRAIN });

function questionDataset(
  name: string,
  prefix: string,
  splits: Readonly<Record<string, QuestionFiles>>,
): Dataset<VqaSample> {
  const open = async (source: DataSource, splitName: string): Promise<Split<VqaSample>> => {
    const { subtype, imagePart, hasAnnotations } = splitNamed(name, splits, splitName);
    const split = `${name} ${splitName}`;
    const find = (fileName: string) => findAnnotationFile(source, split, { name: fileName });
    const questionFile = await find(`${prefix}OpenEnded_mscoco_${subtype}_questions.json`);
    const annotationFile = hasAnnotations ? await find(`${prefix}mscoco_${subtype}_annotations.json`) : null;

    const questions = await readQuestions(questionFile, subtype);
    const answers = annotationFile && (await readAnswers(annotationFile, questions, { subtype, questionFile }));
    const imageIds = new Set(questions.map(({ imageId }) => imageId));
    const folder = await chooseImageFolder(source, split, {
      subfolder: imagePart,
      fileNames: Array.from(imageIds, (id) => cocoFileName(imagePart, id)),
    });
    const imageOf = memo((id: number): ImageFile => {
      return { id: String(id), path: folder.pathOf(cocoFileName(imagePart, id)) };
    });

    return {
      name: splitName,
      samples: questions.map(({ id, imageId, text }) => {
        const annotated = answers?.get(id) ?? { questionType: "", answerType: "", references: [] };
        return { id, image: imageOf(imageId), question: text, ...annotated };
      }),
      files: [questionFile.path, ...(annotationFile === null ? [] : [annotationFile.path])],
      imageFolder: folder.path,
    };
  };
  return { name, splits: Object.keys(splits), open };
}

async function readQuestions(file: AnnotationFile, subtype: string): Promise<readonly Question[]> {
  const questions: Question[] = [];
  const checkNew = refuseRepeats("question_id");
  const topLevel = await readJsonLists(file, {
    questions: ({ value, number }) => {
      const fields = fieldsOf(value);
      const id = idField(fields, "question_id");
      const imageId = integerField(fields, "image_id");
      checkNew(id, number);
      questions.push({ id, imageId, text: stringField(fields, "question") });
    },
  });
  checkSubtype(file, topLevel, subtype);
  if (questions.length === 0) throw fileError(file, 'the list "questions" is empty.');
  return questions;
}

/** The answers by question id: those of every question, and of nothing else. */
async function readAnswers(
  file: AnnotationFile,
  questions: readonly Question[],
  { subtype, questionFile }: { subtype: string; questionFile: AnnotationFile },
): Promise<ReadonlyMap<string, Answers>> {
  const imageOf = new Map(questions.map(({ id, imageId }) => [id, imageId]));
  const answers = new Map<string, Answers>();
  const checkNew = refuseRepeats("question_id");
  const withoutQuestion: string[] = [];
  const shared = memo((text: string) => text); // two million answers, some tens of thousands of different ones
  const topLevel = await readJsonLists(file, {
    annotations: ({ value, number }) => {
      const fields = fieldsOf(value);
      const id = idField(fields, "question_id");
      const imageId = optionalField(fields, "image_id", integerField);
      checkNew(id, number);
      const expectedImage = imageOf.get(id);
      if (expectedImage === undefined) {
        withoutQuestion.push(id);
        return;
      }
      if (imageId !== null && imageId !== expectedImage) {
        throw new RecordError(
          `image_id is ${imageId}, expected ${expectedImage}: that is the image of question ${id} in ${questionFile.path}. ` +
            "Are both files of the same version?",
        );
      }
      const references = readReferences(fields, shared);
      const questionType = shared(optionalField(fields, "question_type", stringField) ?? "");
      const answerType = shared(optionalField(fields, "answer_type", stringField) ?? "");
      answers.set(id, { questionType, answerType, references });
    },
  });
  checkSubtype(file, topLevel, subtype);

  const withoutAnswers = questions.filter(({ id }) => !answers.has(id)).map(({ id }) => id);
  if (withoutAnswers.length + withoutQuestion.length > 0) {
    throw fileError(
      file,
      `does not fit ${questionFile.path}: questions without annotation: ${countOf(withoutAnswers)}; ` +
        `annotations without question: ${countOf(withoutQuestion)}. Are both files of the same split and version?`,
    );
  }
  return answers;
}

/** The answers of a question. Where they are not all numbered, their places in the list tell the annotators apart. */
function readReferences(fields: Fields, shared: (text: string) => string): readonly Annotation[] {
  const answers = listField(fields, "answers");
  if (answers.length === 0) throw new RecordError("answers is empty, expected at least one");
  const ids = answers.map((answer) => optionalField(answer, "answer_id", integerField));
  const isNumbered = ids.every((id) => id !== null);
  return answers.map((answer, place) => ({
    answer: shared(stringField(answer, "answer")),
    confidence: shared(optionalField(answer, "answer_confidence", stringField) ?? ""),
    id: isNumbered ? ids[place]! : place + 1,
  }));
}

/** The field is checked when it is there; re-packaged files may lack it. */
function checkSubtype(file: AnnotationFile, topLevel: TopLevelFields, expected: string): void {
  const found = topLevel.get("data_subtype");
  if (found === undefined || found === expected) return;
  throw fileError(
    file,
    `data_subtype is ${JSON.stringify(found)}, expected "${expected}". Is this the file of another split?`,
  );
}

/** Gives the same value for the same key, so that what repeats is in memory once. */
function memo<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
}
