/**
 * Data sets made of a file of questions and a file of annotations: VQAv2 (visualqa.org, version 2.0, April 2017) and
 * OK-VQA (okvqa.allenai.org, version 1.1). Questions are the samples, in the order of their file; annotations are
 * joined to them by question id. The answers of the test splits are private, so their samples have no references.
 * Fields that no score needs may be missing.
 */
import { countOf, fileError, findAnnotationFile, splitNamed } from "./annotation-file.ts";
import type { AnnotationFile } from "./annotation-file.ts";
import type { Dataset, DataSource, ImageFile, Split, VqaSample } from "./dataset.ts";
import { cocoFileName } from "./image-names.ts";
import { chooseImageFolder } from "./images.ts";
import { readJsonLists } from "./json-records.ts";
import type { TopLevelFields } from "./json-records.ts";
import { inRowOrder } from "./parquet/mirror-images.ts";
import { areBeside, openMirror } from "./parquet/mirror.ts";
import { readQuestionRows } from "./parquet/question-rows.ts";
import { memo, readReferences } from "./question-records.ts";
import type { Answers, Question, ReadQuestions } from "./question-records.ts";
import {
  fieldsOf,
  idField,
  integerField,
  optionalField,
  RecordError,
  refuseRepeats,
  stringField,
} from "./record-fields.ts";

/** The names that a split has in official files. */
interface QuestionFiles {
  /** Part of the files' names, and the value of their field `data_subtype`. */
  readonly subtype: string;
  /** Part of the images' file names, and the name of their folder. */
  readonly imagePart: string;
  readonly hasAnnotations: boolean;
}

const VAL = { subtype: "val2014", imagePart: "val2014", hasAnnotations: true };
const TRAIN = { subtype: "train2014", imagePart: "train2014", hasAnnotations: true };

/** Open-ended questions about COCO images, ten answers each. Goyal et al. 2017, arXiv 1612.00837. */
export const vqav2Questions: Dataset<VqaSample> = questionDataset("vqav2", "v2_", {
  val: VAL,
  train: TRAIN,
  "test-dev": { subtype: "test-dev2015", imagePart: "test2015", hasAnnotations: false },
  test: { subtype: "test2015", imagePart: "test2015", hasAnnotations: false },
});

/**
 * Questions that need outside knowledge, five annotators, each answer written twice. Marino et al. 2019, arXiv
 * 1906.00067.
 */
export const okVqaQuestions: Dataset<VqaSample> = questionDataset("ok-vqa", "", { val: VAL, train: TRAIN });

function questionDataset(
  name: string,
  prefix: string,
  splits: Readonly<Record<string, QuestionFiles>>,
): Dataset<VqaSample> {
  const open = async (source: DataSource, splitName: string): Promise<Split<VqaSample>> => {
    const format = splitNamed(name, splits, splitName);
    const { imagePart } = format;
    const split = `${name} ${splitName}`;
    const fileNames = officialNames(prefix, format);
    const mirror = await openMirror(source, split);
    const isMirror = mirror !== null && !(await areBeside(source, fileNames));
    const { questions, answers, files, images } = isMirror
      ? await readQuestionRows(mirror, { ...format, split: splitName, fileNames })
      : { ...(await readFiles(source, { split, fileNames, subtype: format.subtype })), images: mirror };
    const imageIds = new Set(questions.map(({ imageId }) => imageId));
    const folder = await chooseImageFolder(source, split, {
      subfolder: imagePart,
      fileNames: Array.from(imageIds, (id) => cocoFileName(imagePart, id)),
      mirror: images,
    });
    const imageOf = memo((id: number): ImageFile => folder.imageOf(String(id), cocoFileName(imagePart, id)));
    const samples = questions.map(({ id, imageId, text }): VqaSample => {
      const annotated = answers?.get(id) ?? { questionType: "", answerType: "", references: [] };
      return { id, image: imageOf(imageId), question: text, ...annotated };
    });
    return {
      name: splitName,
      samples: isMirror ? samples : inRowOrder(samples),
      files: [...new Set([...files, ...folder.files])],
      imageFolder: folder.path,
    };
  };
  return { name, splits: Object.keys(splits), open };
}

/** Names of the question file and, where answers are public, of the annotation file. */
function officialNames(prefix: string, { subtype, hasAnnotations }: QuestionFiles): readonly string[] {
  const questions = `${prefix}OpenEnded_mscoco_${subtype}_questions.json`;
  return hasAnnotations ? [questions, `${prefix}mscoco_${subtype}_annotations.json`] : [questions];
}

async function readFiles(
  source: DataSource,
  { split, fileNames, subtype }: { split: string; fileNames: readonly string[]; subtype: string },
): Promise<ReadQuestions> {
  const found: AnnotationFile[] = [];
  for (const name of fileNames) found.push(await findAnnotationFile(source, split, { name }));
  const [questionFile, annotationFile] = found;
  const questions = await readQuestions(questionFile!, subtype);
  const answers =
    annotationFile === undefined
      ? null
      : await readAnswers(annotationFile, questions, { subtype, questionFile: questionFile! });
  return { questions, answers, files: found.map(({ path }) => path) };
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

/** The answers by question id. Throws a DatasetError where questions and annotations do not match exactly. */
async function readAnswers(
  file: AnnotationFile,
  questions: readonly Question[],
  { subtype, questionFile }: { subtype: string; questionFile: AnnotationFile },
): Promise<ReadonlyMap<string, Answers>> {
  const imageOf = new Map(questions.map(({ id, imageId }) => [id, imageId]));
  const answers = new Map<string, Answers>();
  const checkNew = refuseRepeats("question_id");
  const withoutQuestion: string[] = [];
  const shared = memo((text: string) => text); // two million answers, of which only tens of thousands are distinct
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

/** Checks the field `data_subtype` if it is there; re-packaged files may lack it. */
function checkSubtype(file: AnnotationFile, topLevel: TopLevelFields, expected: string): void {
  const found = topLevel.get("data_subtype");
  if (found === undefined || found === expected) return;
  throw fileError(
    file,
    `data_subtype is ${JSON.stringify(found)}, expected "${expected}". Is this the file of another split?`,
  );
}
