/**
 * OK-VQA: questions whose answer needs knowledge from outside the image. Marino et al. 2019, arXiv 1906.00067.
 * Asked as in BLIP-2 (Li et al. 2023, arXiv 2301.12597, section 4.1 and table 2), zero-shot, on the validation questions.
 *
 *   question     What do people do on these animals?
 *   prompt       Question: what do people do on these animals? Answer:
 *   references   ride ×6, ride horse ×4, stems as the data set's authors stored them
 *   score        VQA accuracy of the lemmatised answer: "riding" is scored as "ride" and gets 1
 */
import type { VqaSample } from "../datasets/dataset.ts";
import { okVqaQuestions } from "../datasets/vqa.ts";
import { lemmatise } from "./metrics/lemmatise.ts";
import { vqaAccuracy, vqaAccuracyAlways, vqaAccuracyLavis } from "./metrics/vqa-accuracy.ts";
import { publishedFor } from "./published/published-numbers.ts";
import { blipQuestion } from "./question-text.ts";
import type { GenerationTask } from "./task.ts";

export const okVqa: GenerationTask<VqaSample> = {
  kind: "generation",
  name: "ok-vqa",
  dataset: okVqaQuestions,
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
      // Not in the paper, but LAVIS's configuration of OK-VQA lemmatises. The lemmatiser is not LAVIS's:
      // metrics/lemmatise.ts says how they differ.
      answer: (text) => lemmatise(text.trim()),
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
      answer: (text) => lemmatise(text.trim()),
    },
  },
  metrics: [vqaAccuracy, vqaAccuracyLavis, vqaAccuracyAlways],
  published: publishedFor("ok-vqa"), // table 2, where the split is called test
};
