/**
 * GQA: questions made from scene graphs, about attributes and relations. Hudson and Manning 2019, arXiv 1902.09506.
 * Asked as in BLIP-2 (Li et al. 2023, arXiv 2301.12597, section 4.1 and table 2), zero-shot, on balanced test-dev.
 *
 *   question     Is the bowl to the left of the spoon?
 *   prompt       Question: is the bowl to the left of the spoon? Answer:
 *   reference    no
 *   score        1 if answer and reference have the same normal form, as VQA accuracy has it, else 0. "No." scores 1
 */
import type { VqaSample } from "../datasets/dataset.ts";
import { gqaQuestions } from "../datasets/gqa.ts";
import { exactMatch } from "./metrics/exact-match.ts";
import { publishedFor } from "./published/published-numbers.ts";
import { blipQuestion } from "./question-text.ts";
import type { GenerationTask } from "./task.ts";

export const gqa: GenerationTask<VqaSample> = {
  kind: "generation",
  name: "gqa",
  dataset: gqaQuestions,
  protocols: {
    // What the paper says, and its length penalty of -1 as it worked: the generation code of its time counted OPT's prompt in the
    // length, so the penalty hardly depended on the answer. Where only new tokens count, as in transformers today and here, that is
    // 0: with this prompt and 0 others measured 53.41 on VQAv2 val (paper 53.5), OK-VQA 31.8 (31.7), GQA 34.6 (34.6) with the
    // released blip2-opt-2.7b (published/other-reports.ts). T5 never had its prompt in the length, so its -1 stays -1.
    // The configs' min_length 1 counts OPT's prompt and T5's start token, so it forbids nothing: no least length.
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
    // What LAVIS does since May 2023: another prompt for OPT.
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
  metrics: [exactMatch],
  published: publishedFor("gqa"), // table 2
};
