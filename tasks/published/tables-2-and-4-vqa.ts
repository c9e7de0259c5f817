/**
 * Visual question answering: the paper's table 2, zero-shot, and table 4, finetuned on VQAv2. In percent, as printed. The
 * table's "OK-VQA test" are the validation questions of the data set, its "GQA test-dev" the balanced ones.
 */
import { transcribe } from "./published-number.ts";

const vitL =
  "the hub has no checkpoint of ViT-L; convert makes one of LAVIS's blip2_pretrained_flant5xl_vitL.pth and clip_vit_L.pth " +
  "(docs/convert.md), which is known here by the name of its folder, blip2-flan-t5-xl-vit-l";
const finetuned = "the weights finetuned on VQAv2 are not public";

export const table2 = transcribe({
  source: "paper, table 2",
  columns: [
    { task: "vqav2", split: "val", metric: "accuracy" },
    { task: "vqav2", split: "test-dev", metric: "accuracy" },
    { task: "ok-vqa", split: "val", metric: "accuracy" },
    { task: "gqa", split: "testdev", metric: "accuracy" },
  ],
  rows: [
    {
      model: "ViT-L OPT 2.7B",
      checkpoint: null,
      printed: [50.1, 49.7, 30.2, 33.9],
      remark: "the weights are not public",
    },
    { model: "ViT-g OPT 2.7B", checkpoint: "blip2-opt-2.7b", printed: [53.5, 52.3, 31.7, 34.6] },
    { model: "ViT-g OPT 6.7B", checkpoint: "blip2-opt-6.7b", printed: [54.3, 52.6, 36.4, 36.4] },
    {
      model: "ViT-L FlanT5-XL",
      checkpoint: "blip2-flan-t5-xl-vit-l",
      printed: [62.6, 62.3, 39.4, 44.4],
      remark: vitL,
    },
    { model: "ViT-g FlanT5-XL", checkpoint: "blip2-flan-t5-xl", printed: [63.1, 63.0, 40.7, 44.2] },
    { model: "ViT-g FlanT5-XXL", checkpoint: "blip2-flan-t5-xxl", printed: [65.2, 65.0, 45.9, 44.7] },
  ],
});

export const table4 = transcribe({
  source: "paper, table 4",
  columns: [
    { task: "vqav2", split: "test-dev", metric: "accuracy" },
    { task: "vqav2", split: "test-std", metric: "accuracy" },
  ],
  rows: [
    {
      model: "ViT-g FlanT5-XL, finetuned",
      checkpoint: null,
      printed: [81.55, 81.66],
      remark: finetuned,
    },
    {
      model: "ViT-g OPT 2.7B, finetuned",
      checkpoint: null,
      printed: [81.59, 81.74],
      remark: finetuned,
    },
    { model: "ViT-g OPT 6.7B, finetuned", checkpoint: null, printed: [82.19, 82.3], remark: finetuned },
  ],
});
