/**
 * VQAv2: open-ended questions about images. Goyal et al. 2017, arXiv 1612.00837.
 * Asked as in BLIP-2 (Li et al. 2023, arXiv 2301.12597, section 4.1 and table 2), zero-shot.
 *
 *   question     What color is the bus?
 *   prompt       Question: what color is the bus? Answer:
 *   references   red ×3, dark red ×5, maroon ×2
 *   score        for each annotator: min(1, matches among the other nine / 3); then the mean. "red" scores 0.9
 */
import type { VqaSample } from "../datasets/dataset.ts";
import { vqav2Questions } from "../datasets/vqa.ts";
import { vqaAccuracy, vqaAccuracyAlways, vqaAccuracyLavis } from "./metrics/vqa-accuracy.ts";
import { publishedFor } from "./published/published-numbers.ts";
import { blipQuestion } from "./question-text.ts";
import type { GenerationTask } from "./task.ts";

export const vqav2: GenerationTask<VqaSample> = {
  kind: "generation",
  name: "vqav2",
  dataset: vqav2Questions,
  protocols: {
    // The paper's settings. Its length penalty of -1 is 0 for OPT here: the generation code of 2023 counted OPT's
    // prompt in the length, so that the penalty hardly depended on the answer. Today transformers and this project
    // count new tokens only, for which 0 is equivalent: with this prompt and 0 others measured 53.41 on VQAv2 val
    // (paper 53.5), OK-VQA 31.8 (31.7), GQA 34.6 (34.6) with the released blip2-opt-2.7b (published/other-reports.ts).
    // T5 never had its prompt in the length, so its -1 stays -1. The configs' min_length 1 counts OPT's prompt and T5's
    // start token, so it has no effect: there is no minimum length.
    paper: {
      prompt: {
        opt: ({ question }) => `Question: ${blipQuestion(question)} Answer:`,
        t5: ({ question }) => `Question: ${blipQuestion(question)} Short answer:`,
      },
      decoding: {
        opt: { beams: 5, newTokens: { min: 0, max: 10 }, lengthPenalty: 0, repetitionPenalty: 1, earlyStopping: false },
        t5: { beams: 5, newTokens: { min: 0, max: 10 }, lengthPenalty: -1, repetitionPenalty: 1, earlyStopping: false },
      },
      answer: (text) => text.trim(), // LAVIS trims OPT's answers only; scoring trims T5's
    },
    // LAVIS since May 2023: another prompt for OPT.
    lavis: {
      prompt: {
        opt: ({ question }) => `Question: ${blipQuestion(question)} Short answer:`,
        t5: ({ question }) => `Question: ${blipQuestion(question)} Short answer:`,
      },
      decoding: {
        opt: { beams: 5, newTokens: { min: 0, max: 10 }, lengthPenalty: 0, repetitionPenalty: 1, earlyStopping: false },
        t5: { beams: 5, newTokens: { min: 0, max: 10 }, lengthPenalty: -1, repetitionPenalty: 1, earlyStopping: false },
      },
      maxPromptTokens: { opt: 32 }, // blip2_opt.py, max_txt_len: a long question loses "Short answer:"
      answer: (text) => text.trim(),
    },
  },
  metrics: [vqaAccuracy, vqaAccuracyLavis, vqaAccuracyAlways],
  published: publishedFor("vqav2"), // table 2
};
