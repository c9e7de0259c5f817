/** The names of the formats of `export`; apart from the formats, so that help is printed without loading them. */

export const exportFormatNames = [
  "vqa-results",
  "evalai-vqa",
  "coco-results",
  "nocaps",
  "gqa",
  "lavis",
  "lm-eval",
  "csv",
  "parquet",
] as const;

export type ExportFormatName = (typeof exportFormatNames)[number];
