/**
 * What others than the paper measured with the same checkpoints: the numbers that the authors write into the evaluation
 * configs of LAVIS (salesforce/LAVIS, lavis/projects/blip2/eval), and public reports. Printed times 100.
 */
import { fromPrinted } from "./published-number.ts";
import type { PublishedNumber } from "./published-number.ts";

type Subject = Pick<PublishedNumber, "checkpoint" | "model" | "task" | "split">;
type Source = Pick<PublishedNumber, "origin" | "source"> & { readonly remark?: string };

const opt = { model: "ViT-g OPT 2.7B", checkpoint: "blip2-opt-2.7b" };
const t5 = { model: "ViT-g FlanT5-XL", checkpoint: "blip2-flan-t5-xl" };
const t5Xxl = { model: "ViT-g FlanT5-XXL", checkpoint: "blip2-flan-t5-xxl" };
const optCoco = { model: "ViT-g OPT 2.7B", checkpoint: "blip2-opt-2.7b-coco" };
const optLargeCoco = { model: "ViT-g OPT 6.7B", checkpoint: "blip2-opt-6.7b-coco" };
const t5Coco = { model: "ViT-g FlanT5-XL", checkpoint: "blip2-flan-t5-xl-coco" };
const matching = { model: "ViT-g", checkpoint: "blip2-itm-vit-g-coco" };

const vqav2 = { task: "vqav2", split: "val" };
const okVqa = { task: "ok-vqa", split: "val" };
const gqa = { task: "gqa", split: "testdev" };
const captions = { task: "coco-caption", split: "test" };
const retrieval = { task: "coco-retrieval", split: "test" };

const mayRestate = "may restate the paper";
const answerTypes = ["yes/no", "number", "other"];

/** LAVIS's own scorer made its VQA numbers: the metric accuracy-lavis. */
export const otherReports: readonly PublishedNumber[] = [
  ...report({ ...opt, ...vqav2 }, lavisConfig("vqav2_zeroshot_opt_eval.yaml", "protocol lavis"), {
    "accuracy-lavis": 51.88,
  }),
  ...report({ ...opt, ...vqav2 }, others("OpenMMLab mmpretrain model zoo", mayRestate), { accuracy: 53.5 }),
  ...report({ ...opt, ...vqav2 }, others("haotian-liu/LLaVA issue 588", "said to be about 49, settings unknown"), {
    accuracy: 49,
  }),
  ...report(
    { ...opt, ...okVqa },
    others("salesforce/LAVIS issue 188", "a user, after a change to left padding, length penalty -1"),
    { accuracy: 31.62 },
  ),
  ...report({ ...t5, ...vqav2 }, lavisConfig("vqav2_zeroshot_flant5xl_eval.yaml"), {
    "accuracy-lavis": 63.13,
    "accuracy-lavis yes/no": 84.28,
    "accuracy-lavis number": 41.01,
    "accuracy-lavis other": 52.9,
  }),
  ...report({ ...t5, ...okVqa }, lavisConfig("okvqa_zeroshot_flant5xl_eval.yaml", "lemmatised by spaCy"), {
    "accuracy-lavis": 41.22,
  }),
  ...report({ ...t5, ...gqa }, lavisConfig("gqa_zeroshot_flant5xl_eval.yaml"), { accuracy: 43.98 }),
  ...report(
    { ...t5Xxl, ...gqa },
    others("salesforce/LAVIS issue 99", "a user, without LAVIS's processing of questions and answers"),
    { accuracy: 33.55 },
  ),
  ...report({ ...optCoco, ...captions }, lavisConfig("caption_coco_opt2.7b_eval.yaml"), {
    CIDEr: 146.1,
    ...{ "BLEU-4": 43.8, "BLEU-3": 55.6, "BLEU-2": 69.1, "BLEU-1": 83.2 },
    ...{ "ROUGE-L": 62.0, METEOR: 31.7, SPICE: 25.2 },
  }),
  ...report({ ...optLargeCoco, ...captions }, lavisConfig("caption_coco_opt6.7b_eval.yaml"), {
    CIDEr: 145.1,
    ...{ "BLEU-4": 43.4, "BLEU-3": 55.2, "BLEU-2": 68.9, "BLEU-1": 83.1 },
    ...{ "ROUGE-L": 61.8, METEOR: 31.6, SPICE: 25.1 },
  }),
  ...report(
    { ...t5Coco, ...captions },
    others(
      "salesforce/LAVIS issue 182",
      "a user, with transformers: 5 beams, max_length 30, min_length 8; prompt unknown",
    ),
    {
      CIDEr: 143.9,
      ...{ "BLEU-4": 41.9, "BLEU-3": 54.1, "BLEU-2": 68.2, "BLEU-1": 82.6 },
      ...{ "ROUGE-L": 61.6, METEOR: 31.7, SPICE: 25.7 },
    },
  ),
  ...report({ ...matching, ...retrieval }, others("OpenMMLab mmpretrain model zoo", mayRestate), { "TR@1": 85.4 }),
];

function lavisConfig(file: string, remark?: string): Source {
  return { origin: "authors", source: `LAVIS, ${file}`, ...(remark !== undefined && { remark }) };
}

function others(source: string, remark: string): Source {
  return { origin: "others", source, remark };
}

/** `printed`: by metric, or by metric and answer type. */
function report(subject: Subject, source: Source, printed: Readonly<Record<string, number>>): PublishedNumber[] {
  return Object.entries(printed).map(([name, number]) => {
    const [metric = "", group = ""] = name.split(" ");
    return {
      ...subject,
      part: answerTypes.includes(group) ? { breakdown: "answerType", group } : null,
      metric,
      ...fromPrinted(number, metric),
      remark: null,
      ...source,
      status: "quoted",
    };
  });
}
