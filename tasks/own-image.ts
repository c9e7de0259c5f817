/**
 * An image that belongs to no data set: what a model is asked about it. Captions as Salesforce's authors ask a
 * pretrained model for them, without text (salesforce/LAVIS, issue 138), and otherwise as on COCO (BLIP-2, section 4.2);
 * questions as on VQAv2 (section 4.1); texts to be matched as captions are prepared for retrieval (section 4.4).
 */
import type { LanguageModelFamily } from "../models/model.ts";
import { blipCaption } from "./caption-text.ts";
import { cocoCaption } from "./coco-caption.ts";
import { cocoRetrieval } from "./coco-retrieval.ts";
import { blipQuestion } from "./question-text.ts";
import type { ProtocolName } from "./task.ts";
import { vqav2 } from "./vqav2.ts";

export const captioning = {
  prompt: null,
  decoding: (family: LanguageModelFamily, protocol: ProtocolName) => cocoCaption.protocols[protocol].decoding[family],
  answer: (text: string): string => text.trim(),
} as const;

export const questionAnswering = {
  /** `Question: what color is the bus? Answer:` */
  prompt: (question: string, family: LanguageModelFamily, protocol: ProtocolName): string | null =>
    vqav2.protocols[protocol].prompt[family]({ ...nothingElse, question }),
  /** The user's own words around the question, which is prepared as the protocols do. */
  fillIn: (template: string, question: string): string =>
    template.replaceAll("{question}", () => blipQuestion(question)),
  decoding: (family: LanguageModelFamily, protocol: ProtocolName) => vqav2.protocols[protocol].decoding[family],
  maxPromptTokens: (family: LanguageModelFamily, protocol: ProtocolName): number | null =>
    vqav2.protocols[protocol].maxPromptTokens?.[family] ?? null,
  answer: (text: string): string => text.trim(),
} as const;

export interface Turn {
  readonly question: string;
  readonly answer: string;
}

/**
 * A conversation, as in the authors' example of one (salesforce/LAVIS, examples/blip2_instructed_generation.ipynb): every
 * answer joins the context of the next question, questions stand as they were typed, and both language models are asked
 * alike. `Question: which city is this? Answer: singapore. Question: why? Answer:`
 */
export const conversing = {
  prompt: (turns: readonly Turn[], question: string): string =>
    [
      ...turns.map((turn) => `Question: ${turn.question} Answer: ${turn.answer}.`),
      `Question: ${question} Answer:`,
    ].join(" "),
  /** Greedy, so that words come one after the other; room for an answer that is a sentence, for it stays in the context. */
  decoding: {
    beams: 1,
    newTokens: { min: 0, max: 30 },
    lengthPenalty: 1,
    repetitionPenalty: 1,
    earlyStopping: false,
  },
  /** Queries, prompt and new tokens, where the language model has room for as many: what both were trained on at most. */
  mostPositions: 512,
  answer: (text: string): string => text.trim(),
} as const;

export const textMatching = {
  text: blipCaption,
  maxTokens: cocoRetrieval.protocols.paper.maxTokens,
} as const;

/** What a question of a data set has besides its words. */
const nothingElse = { id: "", image: { id: "", path: "" }, questionType: "", answerType: "", references: [] };
