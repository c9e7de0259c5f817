/**
 * Questions about images of a user's own, asked as VQAv2's are (vqav2.ts: BLIP-2, section 4.1), zero-shot.
 *
 *   question     What color is the bus?
 *   prompt       Question: what color is the bus? Answer:
 *   references   red                                    any number of them
 *   score        VQA accuracy, which for one reference is: does the answer equal it in VQA's normal form?
 *                with choices to answer from: is the choice that the answer means a reference?
 */
import type { VqaSample } from "../datasets/dataset.ts";
import { ownQuestions } from "../datasets/own/own-data.ts";
import {
  choiceAccuracy,
  choiceAccuracyPerCharacter,
  choiceAccuracyPerToken,
  choiceAccuracySum,
} from "./metrics/choice-accuracy.ts";
import { exactMatch } from "./metrics/exact-match.ts";
import { tokenF1 } from "./metrics/token-f1.ts";
import { vqaAccuracyOfAny } from "./metrics/vqa-accuracy.ts";
import { blipQuestion } from "./question-text.ts";
import type { GenerationTask } from "./task.ts";

export const ownVqa: GenerationTask<VqaSample> = {
  kind: "generation",
  name: "vqa",
  dataset: ownQuestions,
  protocols: {
    paper: {
      prompt: {
        opt: ({ question }) => `Question: ${blipQuestion(question)} Answer:`,
        t5: ({ question }) => `Question: ${blipQuestion(question)} Short answer:`,
      },
      decoding: {
        opt: { beams: 5, newTokens: { min: 0, max: 10 }, lengthPenalty: 0, repetitionPenalty: 1, earlyStopping: false },
        t5: { beams: 5, newTokens: { min: 0, max: 10 }, lengthPenalty: -1, repetitionPenalty: 1, earlyStopping: false },
      },
      answer: (text) => text.trim(),
    },
    lavis: {
      prompt: {
        opt: ({ question }) => `Question: ${blipQuestion(question)} Short answer:`,
        t5: ({ question }) => `Question: ${blipQuestion(question)} Short answer:`,
      },
      decoding: {
        opt: { beams: 5, newTokens: { min: 0, max: 10 }, lengthPenalty: 0, repetitionPenalty: 1, earlyStopping: false },
        t5: { beams: 5, newTokens: { min: 0, max: 10 }, lengthPenalty: -1, repetitionPenalty: 1, earlyStopping: false },
      },
      maxPromptTokens: { opt: 32 }, // blip2_opt.py, max_txt_len
      answer: (text) => text.trim(),
    },
  },
  // Those over choices are of data that has choices, where they come first.
  metrics: [
    choiceAccuracy,
    choiceAccuracySum,
    choiceAccuracyPerToken,
    choiceAccuracyPerCharacter,
    vqaAccuracyOfAny,
    { ...exactMatch, name: "exact-match" },
    tokenF1,
  ],
  published: [],
};
