/**
 * Answers in the form of the VQA challenge, `[{"question_id": 1, "answer": "red"}]`, for the official evaluator
 * (GT-Vision-Lab/VQA, commit a013f00) and for the server on EvalAI. The evaluator insists that results and annotations are
 * of the same questions (vqa.py, loadRes), so that answers to a part of a split come with the questions and annotations
 * of that part.
 */
import type { VqaSample } from "../../../datasets/dataset.ts";
import type { AnsweredRun, AskedSample } from "../answered-run.ts";
import { isQuestion } from "../sample-kinds.ts";
import { fileNamePart, isOfficialNumber, jsonList, officialId, unlessQuestions } from "./export-format.ts";
import type { ExportedFile, ExportFormat } from "./export-format.ts";

export const vqaResults: ExportFormat = {
  name: "vqa-results",
  about: "answers for the official VQA evaluator",
  needs: "answers",
  unfit: unlessQuestions,
  files: (run, answered) => {
    const results = resultsFile(run, answered);
    return answered.length === run.split.samples.length ? [results] : [results, ...cutFiles(run, answered)];
  },
};

/** The split whose answers the server scores, for test-dev, too. */
const evaluatedSplit = "test";

export const evalaiVqa: ExportFormat = {
  name: "evalai-vqa",
  about: "answers to all questions of VQAv2's test2015, for EvalAI",
  needs: "split",
  unfit: (run) => {
    const { dataset, split } = run.record.data;
    if (dataset !== "vqav2") return `EvalAI scores answers to VQAv2, and this run is of ${dataset}`;
    if (split !== evaluatedSplit) {
      return `EvalAI scores answers to all questions of test2015, for test-dev, too, and this run is of ${split}; run --split ${evaluatedSplit}`;
    }
    const other = run.asked.find(({ sample }) => !isOfficialNumber(sample.id));
    return other === undefined ? null : `its question ids are numbers, and one of this run's is ${other.sample.id}`;
  },
  files: (run, answered) => [resultsFile(run, answered)],
};

/** Named as the evaluator's own example names results (vqaEvalDemo.py), where the run is of official files. */
function resultsFile(run: AnsweredRun, answered: readonly AskedSample[]): ExportedFile {
  const entries = answered.map(({ sample, answer }) => ({ question_id: officialId(sample.id), answer }));
  return {
    name: `${stemOf(run)}_${fileNamePart(run.record.checkpoint.name)}_results.json`,
    content: jsonList(entries),
    about: `${entries.length} answers`,
  };
}

/** `v2_OpenEnded_mscoco_val2014`, from the name of the question file; of other data, data set and split. */
function stemOf({ record: { data } }: AnsweredRun): string {
  const [stem] = data.files.flatMap(
    ({ name }) => /^([\w-]*OpenEnded_mscoco_[\w-]+)_questions\.json$/.exec(name)?.[1] ?? [],
  );
  return stem ?? `${fileNamePart(data.dataset)}_${fileNamePart(data.split)}`;
}

/** `mscoco` and `val2014`, as official files call themselves; of other data, data set and split. */
function officialNames(stem: string, { dataset, split }: AnsweredRun["record"]["data"]): object {
  const [, type = dataset, subtype = split] = /OpenEnded_([a-z]+)_([\w-]+)$/.exec(stem) ?? [];
  return { data_type: type, data_subtype: subtype };
}

function cutFiles(run: AnsweredRun, answered: readonly AskedSample[]): readonly ExportedFile[] {
  const { data } = run.record;
  const samples = answered.flatMap(({ sample }) => (isQuestion(sample) ? [sample] : []));
  const stem = stemOf(run);
  // The evaluator copies all of these fields from the questions to the results, so all must be there.
  const about = {
    info: {
      description: `The ${samples.length} questions of ${data.dataset} ${data.split} that a run of blip2-bench has answered`,
    },
    license: {},
    task_type: "Open-Ended",
    ...officialNames(stem, data),
  };
  const questions: ExportedFile = {
    name: `${stem}_cut_questions.json`,
    content: `${JSON.stringify({ ...about, questions: samples.map(questionOf) })}\n`,
    about: `the ${samples.length} questions, to be given to the evaluator in place of all`,
  };
  const isAnnotated = samples.length > 0 && samples.every(({ references }) => references.length > 0);
  if (!isAnnotated) return [questions]; // a split whose answers are private
  const annotations: ExportedFile = {
    name: `${stem.replace("OpenEnded_", "")}_cut_annotations.json`,
    content: `${JSON.stringify({ ...about, annotations: samples.map(annotationOf) })}\n`,
    about: `their annotations, likewise`,
  };
  return [questions, annotations];
}

function questionOf({ id, image, question }: VqaSample): object {
  return { question_id: officialId(id), image_id: officialId(image.id), question };
}

function annotationOf({ id, image, questionType, answerType, references }: VqaSample): object {
  return {
    question_id: officialId(id),
    image_id: officialId(image.id),
    question_type: questionType,
    answer_type: answerType,
    answers: references.map(({ answer, confidence, id: annotator }) => ({
      answer,
      answer_confidence: confidence,
      answer_id: annotator,
    })),
  };
}
