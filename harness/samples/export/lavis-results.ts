/**
 * The files that LAVIS (commit 506965b) leaves of an evaluation: answers as tasks/vqa.py writes them, captions as
 * tasks/captioning.py, and recalls as tasks/retrieval.py.
 *
 *   VQA          {split}_vqa_result.json    [{"question_id": 1, "answer": "red"}]
 *   GQA          {split}_vqa_result.json    [{"question_id": "1", "pred_ans": "red", "gt_ans": "red"}]
 *   captions     {split}_epochbest.json     [{"caption": "a dog", "image_id": 1}]
 *   retrieval    evaluate.txt               {"txt_r1": 95.1, …}, in percent
 */
import type { AnsweredRun, AskedSample } from "../answered-run.ts";
import { isQuestion } from "../sample-kinds.ts";
import { fileNamePart, jsonList, officialId } from "./export-format.ts";
import type { ExportedFile, ExportFormat } from "./export-format.ts";

export const lavisResults: ExportFormat = {
  name: "lavis",
  about: "the result files of LAVIS",
  needs: "answers",
  unfit: ({ task, scores }) =>
    task.kind === "retrieval" && (scores?.metrics.length ?? 0) === 0
      ? "it holds recalls, and the run is not scored"
      : null,
  files: (run, answered) => {
    const split = fileNamePart(run.record.data.split);
    if (run.task.kind === "retrieval") return [recalls(run)];
    if (answered.every(({ sample }) => isQuestion(sample))) {
      const content = jsonList(answered.map(run.record.data.dataset === "gqa" ? gqaAnswer : vqaAnswer));
      return [{ name: `${split}_vqa_result.json`, content, about: `${answered.length} answers` }];
    }
    const captions = answered.map(({ sample, answer }) => ({ caption: answer, image_id: officialId(sample.image.id) }));
    return [{ name: `${split}_epochbest.json`, content: jsonList(captions), about: `${captions.length} captions` }];
  },
};

function vqaAnswer({ sample, answer }: AskedSample): object {
  return { question_id: officialId(sample.id), answer };
}

function gqaAnswer({ sample, answer }: AskedSample): object {
  const [reference] = isQuestion(sample) ? sample.references : [];
  return { question_id: sample.id, pred_ans: answer, gt_ans: reference?.answer ?? "" };
}

function recalls({ scores }: AnsweredRun): ExportedFile {
  const percent = (name: string): number => 100 * (scores?.metrics.find((metric) => metric.name === name)?.value ?? 0);
  const direction = (prefix: string, ours: string): Record<string, number> => {
    const [r1, r5, r10] = [percent(`${ours}@1`), percent(`${ours}@5`), percent(`${ours}@10`)];
    return {
      [`${prefix}_r1`]: r1,
      [`${prefix}_r5`]: r5,
      [`${prefix}_r10`]: r10,
      [`${prefix}_r_mean`]: (r1 + r5 + r10) / 3,
    };
  };
  const [text, image] = [direction("txt", "TR"), direction("img", "IR")];
  const [textMean = 0, imageMean = 0] = [text["txt_r_mean"], image["img_r_mean"]];
  const line = { ...text, ...image, r_mean: (textMean + imageMean) / 2, agg_metrics: textMean };
  return { name: "evaluate.txt", content: `${JSON.stringify(line)}\n`, about: "recalls in percent" };
}
