/**
 * COCO retrieval: texts for images and images for texts, 5,000 images and 25,010 texts, five or more an image. Lin et al.
 * 2014, arXiv 1405.0312; the split is Karpathy's. Asked as in BLIP-2 (Li et al. 2023, arXiv 2301.12597, section 4.4 and
 * table 5), finetuned on the training split.
 *
 *   image        COCO_val2014_000000262148.jpg
 *   its texts    Two dogs are running over a wet lawn.  …and four more
 *   ranked as    two dogs are running over a wet lawn
 *   score        TR@1: for an image, is the best of all texts one of its own?  IR@1: for a text, is the best image its own?
 *
 * The 128 most similar candidates of each row are ranked by matching logit + similarity; all others come after them.
 */
import { cocoTexts } from "../datasets/flickr30k.ts";
import { blipCaption } from "./caption-text.ts";
import { usualRetrievalMetrics } from "./metrics/recall.ts";
import { publishedFor } from "./published/published-numbers.ts";
import type { RetrievalTask } from "./task.ts";

export const cocoRetrieval: RetrievalTask = {
  kind: "retrieval",
  name: "coco-retrieval",
  dataset: cocoTexts,
  protocols: {
    // The paper re-ranks "based on pairwise ITM scores" and does not say that they are added to the similarity. The
    // authors' code adds them, and so does this task.
    paper: { text: blipCaption, maxTokens: 35, rerank: 128 },
    lavis: { text: blipCaption, maxTokens: 35, rerank: 128 }, // blip2.py:118, ret_coco_eval.yaml: k_test
  },
  metrics: usualRetrievalMetrics,
  // Table 5, "ViT-g": the model finetuned on COCO, at 364 pixels.
  published: publishedFor("coco-retrieval"),
};
