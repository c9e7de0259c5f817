/**
 * Captions: the paper's table 3. The models finetuned on COCO captions, on COCO and, zero-shot, on NoCaps validation:
 * all of it and its domains. Times 100, as printed; SPICE exists in Java only and is not computed here.
 */
import { transcribe } from "./published-number.ts";
import type { PublishedColumn } from "./published-number.ts";

export const table3 = transcribe({
  source: "paper, table 3",
  columns: [
    ...["in-domain", "near-domain", "out-domain"].flatMap((domain) => [
      nocaps("CIDEr", domain),
      nocaps("SPICE", domain),
    ]),
    nocaps("CIDEr"),
    nocaps("SPICE"),
    { task: "coco-caption", split: "test", metric: "BLEU-4" },
    { task: "coco-caption", split: "test", metric: "CIDEr" },
  ],
  rows: [
    {
      model: "ViT-g OPT 2.7B",
      checkpoint: "blip2-opt-2.7b-coco",
      // in-domain    near-domain  out-domain   overall      COCO
      printed: [123.0, 15.8, 117.8, 15.4, 123.4, 15.1, 119.7, 15.4, 43.7, 145.8],
    },
    {
      model: "ViT-g OPT 6.7B",
      checkpoint: "blip2-opt-6.7b-coco",
      printed: [123.7, 15.8, 119.2, 15.3, 124.4, 14.8, 121.0, 15.3, 43.5, 145.2],
    },
    {
      model: "ViT-g FlanT5-XL",
      checkpoint: "blip2-flan-t5-xl-coco",
      printed: [123.7, 16.3, 120.2, 15.9, 124.8, 15.1, 121.6, 15.8, 42.4, 144.5],
    },
  ],
});

function nocaps(metric: string, domain?: string): PublishedColumn {
  const column = { task: "nocaps", split: "val", metric };
  return domain === undefined ? column : { ...column, part: { breakdown: "domain", group: domain } };
}
