/**
 * NoCaps: captions of things that COCO does not name, in three domains. Agrawal et al. 2019, arXiv 1812.08658.
 * Asked as in BLIP-2 (Li et al. 2023, arXiv 2301.12597, section 4.2 and table 3): the model finetuned on COCO, zero-shot.
 *
 *   image        0013ea2087020901.jpg, domain near-domain
 *   prompt       a photo of
 *   references   A baby is standing in front of a house.  …and nine others
 *   score        CIDEr-D as for COCO, over all images and for each domain; times 100
 */
import { nocapsCaptions } from "../datasets/coco-captions.ts";
import type { CaptionSample } from "../datasets/dataset.ts";
import { bleu1, bleu2, bleu3, bleu4, cider, rougeL } from "./metrics/captions/caption-metrics.ts";
import { publishedFor } from "./published/published-numbers.ts";
import type { GenerationTask } from "./task.ts";

export const nocaps: GenerationTask<CaptionSample> = {
  kind: "generation",
  name: "nocaps",
  dataset: nocapsCaptions,
  protocols: {
    // The settings of COCO captions; the paper names no others. Why the minimum lengths are 4 and 7: coco-caption.ts.
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
  published: publishedFor("nocaps"), // table 3
};
