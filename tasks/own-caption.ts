/**
 * Captions of images of a user's own, asked as COCO's are (coco-caption.ts: BLIP-2, section 4.2).
 *
 *   image        photo.jpg
 *   prompt       a photo of
 *   references   Two dogs are running over a wet lawn.  any number of them
 *   score        CIDEr-D among the captions of this data set; times 100
 */
import type { CaptionSample } from "../datasets/dataset.ts";
import { ownCaptions } from "../datasets/own/own-data.ts";
import { bleu1, bleu2, bleu3, bleu4, cider, rougeL } from "./metrics/captions/caption-metrics.ts";
import type { GenerationTask } from "./task.ts";

export const ownCaption: GenerationTask<CaptionSample> = {
  kind: "generation",
  name: "caption",
  dataset: ownCaptions,
  protocols: {
    paper: {
      prompt: { opt: () => "a photo of", t5: () => "a photo of", itg: () => null },
      decoding: {
        opt: { beams: 5, newTokens: { min: 4, max: 30 }, lengthPenalty: 1, repetitionPenalty: 1, earlyStopping: false },
        t5: { beams: 5, newTokens: { min: 7, max: 30 }, lengthPenalty: 1, repetitionPenalty: 1, earlyStopping: false },
        itg: { beams: 3, newTokens: { min: 9, max: 29 }, lengthPenalty: 1, repetitionPenalty: 1, earlyStopping: false },
      },
      answer: (text) => text.trim(),
    },
    lavis: {
      prompt: { opt: () => "a photo of", t5: () => "a photo of", itg: () => null },
      decoding: {
        opt: {
          beams: 5,
          newTokens: { min: 0, max: 30 },
          lengthPenalty: 0,
          repetitionPenalty: 1.15,
          earlyStopping: false,
        },
        t5: {
          beams: 5,
          newTokens: { min: 7, max: 30 },
          lengthPenalty: 0,
          repetitionPenalty: 1.15,
          earlyStopping: false,
        },
        itg: { beams: 3, newTokens: { min: 9, max: 29 }, lengthPenalty: 1, repetitionPenalty: 1, earlyStopping: false },
      },
      answer: (text) => text.trim(),
    },
  },
  metrics: [cider, bleu4, bleu3, bleu2, bleu1, rougeL],
  published: [],
};
