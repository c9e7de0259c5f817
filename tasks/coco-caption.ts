/**
 * COCO captions, Karpathy's split: one sentence for an image. Chen et al. 2015, arXiv 1504.00325; Karpathy and Fei-Fei 2015.
 * Asked as in BLIP-2 (Li et al. 2023, arXiv 2301.12597, section 4.2 and table 3) of a model finetuned on COCO captions.
 *
 *   image        COCO_val2014_000000262148.jpg
 *   prompt       a photo of
 *   references   Two dogs are running over a wet lawn.  …and four or more others
 *   score        CIDEr-D: n-grams shared with the references, those that many images share counting less; times 100
 */
import { cocoCaptions } from "../datasets/coco-captions.ts";
import type { CaptionSample } from "../datasets/dataset.ts";
import { bleu1, bleu2, bleu3, bleu4, cider, rougeL } from "./metrics/captions/caption-metrics.ts";
import { publishedFor } from "./published/published-numbers.ts";
import type { GenerationTask } from "./task.ts";

export const cocoCaption: GenerationTask<CaptionSample> = {
  kind: "generation",
  name: "coco-caption",
  dataset: cocoCaptions,
  protocols: {
    // The released config's min_length 8 counts more than the caption: with OPT the four tokens of the prompt, which
    // leaves at least four new tokens; with T5 the start token, which leaves at least seven. The published numbers have
    // length penalty 1.
    paper: {
      prompt: { opt: () => "a photo of", t5: () => "a photo of", itg: () => null },
      decoding: {
        opt: { beams: 5, newTokens: { min: 4, max: 30 }, lengthPenalty: 1, repetitionPenalty: 1, earlyStopping: false },
        t5: { beams: 5, newTokens: { min: 7, max: 30 }, lengthPenalty: 1, repetitionPenalty: 1, earlyStopping: false },
        // The paper has no captions by the Q-Former; LAVIS's generate of the first stage (blip2_qformer.py:277-338) takes
        // 3 beams and 10 to 30 tokens, [DEC] counted in both, under each protocol.
        itg: { beams: 3, newTokens: { min: 9, max: 29 }, lengthPenalty: 1, repetitionPenalty: 1, earlyStopping: false },
      },
      answer: (text) => text.trim(),
    },
    // LAVIS since December 2023, with unchanged config files: other length penalties, and no minimum length for OPT.
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
  published: publishedFor("coco-caption"), // table 3
};
