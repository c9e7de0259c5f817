/**
 * The BLIP-2 checkpoints that Salesforce publishes on the hub. Sizes are those of the safetensors in fp32, four bytes a parameter
 * of the model that transformers 5.12.1 builds; `pull` goes by what the hub lists, and by its checksums, not by these.
 */
export interface PublishedCheckpoint {
  /** On the hub, owner/name. */
  readonly repository: string;
  /** Of the weights, about. */
  readonly sizeBytes: number;
  /** As the repository's card says. */
  readonly licence: string;
  /** What is known beside it. */
  readonly terms: string;
}

const terms =
  "Salesforce's cards say MIT. A language model inside has terms of its own: OPT's are for research, Flan-T5 is under Apache-2.0. " +
  "Read https://huggingface.co/<checkpoint> before you use one.";

function salesforce(name: string, parameters: number): PublishedCheckpoint {
  return { repository: `Salesforce/${name}`, sizeBytes: parameters * 4, licence: "MIT", terms };
}

export const publishedCheckpoints: readonly PublishedCheckpoint[] = [
  salesforce("blip2-opt-2.7b", 3_744_761_856),
  salesforce("blip2-opt-2.7b-coco", 3_745_353_216),
  salesforce("blip2-opt-6.7b", 7_752_869_376),
  salesforce("blip2-opt-6.7b-coco", 7_753_460_736),
  salesforce("blip2-flan-t5-xl", 3_942_446_592),
  salesforce("blip2-flan-t5-xl-coco", 3_943_037_952),
  salesforce("blip2-flan-t5-xxl", 12_229_596_672),
  salesforce("blip2-itm-vit-g", 1_172_032_258),
  salesforce("blip2-itm-vit-g-coco", 1_172_623_618),
];
