/**
 * Retrieval: the paper's table 5, the model finetuned on COCO at 364 pixels, on COCO and, zero-shot, on Flickr30k; and of
 * table 6 the row that is not in table 5. In percent, as printed. The pretrained blip2-itm-vit-g is in neither.
 */
import { transcribe } from "./published-number.ts";
import type { PublishedColumn } from "./published-number.ts";

export const table5 = transcribe({
  source: "paper, table 5",
  columns: [...recalls("flickr30k-retrieval"), ...recalls("coco-retrieval")],
  rows: [
    {
      model: "ViT-L",
      checkpoint: null,
      // TR@1, @5, @10   IR@1, @5, @10       TR@1, @5, @10    IR@1, @5, @10
      printed: [96.9, 100, 100, 88.6, 97.6, 98.9, 83.5, 96.0, 98.0, 66.3, 86.5, 91.8],
      remark: "the ViT-L weights finetuned on COCO retrieval are not public",
    },
    {
      model: "ViT-g",
      checkpoint: "blip2-itm-vit-g-coco",
      printed: [97.6, 100, 100, 89.7, 98.1, 98.9, 85.4, 97.0, 98.5, 68.3, 87.7, 92.6],
    },
  ],
});

export const table6 = transcribe({
  source: "paper, table 6",
  columns: recalls("coco-retrieval").filter(({ metric }) => metric === "TR@1" || metric === "IR@1"),
  rows: [
    {
      model: "ViT-g, finetuned with ITC and ITM only",
      checkpoint: null,
      printed: [84.5, 67.2],
      remark: "an ablation, the weights are not public; with ITG it is the row of table 5",
    },
  ],
});

function recalls(task: string): readonly PublishedColumn[] {
  return ["TR@1", "TR@5", "TR@10", "IR@1", "IR@5", "IR@10"].map((metric) => ({ task, split: "test", metric }));
}
