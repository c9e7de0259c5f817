/**
 * Flickr30k retrieval: texts for images and images for texts, 1,000 images and 5,000 texts. Young et al. 2014; the split is
 * Karpathy's. Asked as in BLIP-2 (Li et al. 2023, arXiv 2301.12597, section 4.4 and table 5), zero-shot with the model
 * finetuned on COCO.
 *
 *   image        1234567890.jpg
 *   its texts    A girl in a green coat waits at a bus stop.  …and four more
 *   ranked as    a girl in a green coat waits at a bus stop
 *   score        TR@1: for an image, is the best of all texts one of its five?  IR@1: for a text, is the best image its own?
 *
 * The 128 most similar candidates of each row are ranked by matching logit + similarity; all others come after them.
 */
import { flickr30kTexts } from "../datasets/flickr30k.ts";
import { blipCaption } from "./caption-text.ts";
import { usualRetrievalMetrics } from "./metrics/recall.ts";
import { publishedFor } from "./published/published-numbers.ts";
import type { RetrievalTask } from "./task.ts";

export const flickr30kRetrieval: RetrievalTask = {
  kind: "retrieval",
  name: "flickr30k-retrieval",
  dataset: flickr30kTexts,
  protocols: {
    // The paper re-ranks "based on pairwise ITM scores" and does not say that they are added to the similarity. The
    // authors' code adds them, and so does this task.
    paper: { text: blipCaption, maxTokens: 35, rerank: 128 },
    lavis: { text: blipCaption, maxTokens: 35, rerank: 128 }, // blip2.py:118, ret_flickr_eval.yaml: k_test
  },
  metrics: usualRetrievalMetrics,
  // Table 5: the model finetuned on COCO, at 364 pixels. The pretrained blip2-itm-vit-g is not in that table.
  published: publishedFor("flickr30k-retrieval"),
};
