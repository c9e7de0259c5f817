/**
 * Images with every text that describes them, in Karpathy's splits: Flickr30k (Young et al. 2014) and COCO, the "1K"
 * and "5K" test sets of retrieval. COCO images have five to seven texts, so the texts of an image are stored with it
 * and not found by counting.
 */
import type { Dataset, ImageFile, RetrievalSample } from "./dataset.ts";
import { COCO_SPLITS, FLICKR30K_SPLITS, openKarpathySplit } from "./karpathy.ts";
import type { KarpathyFile, KarpathyImage } from "./karpathy.ts";

const FLICKR30K: KarpathyFile<RetrievalSample> = {
  dataset: "flickr30k",
  fileName: "dataset_flickr30k.json",
  splits: FLICKR30K_SPLITS,
  ids: "stem",
  folder: "flickr30k-images",
  sample: retrievalSample,
};

const COCO: KarpathyFile<RetrievalSample> = {
  dataset: "coco",
  fileName: "dataset_coco.json",
  splits: COCO_SPLITS,
  ids: "number at the end",
  folder: "val2014",
  sample: retrievalSample,
};

export const flickr30kTexts: Dataset<RetrievalSample> = {
  name: FLICKR30K.dataset,
  splits: Object.keys(FLICKR30K.splits),
  splitsInRows: Object.keys(FLICKR30K.splits),
  open: (source, split) => openKarpathySplit(source, split, FLICKR30K),
};

export const cocoTexts: Dataset<RetrievalSample> = {
  name: COCO.dataset,
  splits: Object.keys(COCO.splits),
  splitsInRows: Object.keys(COCO.splits),
  open: (source, split) => openKarpathySplit(source, split, COCO),
};

function retrievalSample({ id, sentences }: KarpathyImage, image: ImageFile): RetrievalSample {
  return { id, image, texts: sentences };
}
