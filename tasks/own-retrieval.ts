/**
 * Retrieval among images and texts of a user's own, ranked as COCO's and Flickr30k's are (coco-retrieval.ts: BLIP-2,
 * section 4.4).
 *
 *   image        photo.jpg
 *   its texts    A girl in a green coat waits at a bus stop.  any number of them
 *   score        TR@1: for an image, is the best of all texts one of its own?  IR@1: for a text, is the best image its own?
 *
 * The 128 most similar candidates of each row are ranked by matching logit + similarity; all others come after them.
 */
import { ownTexts } from "../datasets/own/own-data.ts";
import { blipCaption } from "./caption-text.ts";
import { usualRetrievalMetrics } from "./metrics/recall.ts";
import type { RetrievalTask } from "./task.ts";

export const ownRetrieval: RetrievalTask = {
  kind: "retrieval",
  name: "retrieval",
  dataset: ownTexts,
  protocols: {
    paper: { text: blipCaption, maxTokens: 35, rerank: 128 },
    lavis: { text: blipCaption, maxTokens: 35, rerank: 128 },
  },
  metrics: usualRetrievalMetrics,
  published: [],
};
