/**
 * How a model is asked about a user's own image. Captions: without a prompt, as Salesforce's authors caption with a
 * pretrained model (salesforce/LAVIS, issue 138), and otherwise with the settings of COCO captions (BLIP-2, section
 * 4.2). Questions: as in VQAv2 (section 4.1). Texts to be matched: prepared like captions for retrieval (section 4.4).
 */
import type { Sample } from "../datasets/dataset.ts";
import type { DecodingOptions, WriterFamily } from "../models/model.ts";
import { blipCaption } from "./caption-text.ts";
import { cocoCaption } from "./coco-caption.ts";
import { cocoRetrieval } from "./coco-retrieval.ts";
import { blipQuestion } from "./question-text.ts";
import { askedOf } from "./task.ts";
import type { GenerationTask, ProtocolName } from "./task.ts";
import { vqav2 } from "./vqav2.ts";

export const captioning = {
  prompt: null,
  decoding: (family: WriterFamily, protocol: ProtocolName): DecodingOptions =>
    asked(cocoCaption, family, protocol).decoding,
  answer: (text: string): string => text.trim(),
} as const;

export const questionAnswering = {
  /** `Question: what color is the bus? Answer:` */
  prompt: (question: string, family: WriterFamily, protocol: ProtocolName): string | null =>
    asked(vqav2, family, protocol).prompt({ ...nothingElse, question }),
  /** A prompt made of the user's own template and the question, which is prepared as in the protocols. */
  fillIn: (template: string, question: string): string =>
    template.replaceAll("{question}", () => blipQuestion(question)),
  decoding: (family: WriterFamily, protocol: ProtocolName): DecodingOptions => asked(vqav2, family, protocol).decoding,
  maxPromptTokens: (family: WriterFamily, protocol: ProtocolName): number | null =>
    vqav2.protocols[protocol].maxPromptTokens?.[family] ?? null,
  answer: (text: string): string => text.trim(),
} as const;

export interface Turn {
  readonly question: string;
  readonly answer: string;
}

/**
 * A conversation, as in the authors' example of one (salesforce/LAVIS, examples/blip2_instructed_generation.ipynb):
 * every answer becomes part of the next prompt, questions are used as typed, and OPT and T5 have one prompt format.
 * `Question: which city is this? Answer: singapore. Question: why? Answer:`
 */
export const conversing = {
  prompt: (turns: readonly Turn[], question: string): string =>
    [
      ...turns.map((turn) => `Question: ${turn.question} Answer: ${turn.answer}.`),
      `Question: ${question} Answer:`,
    ].join(" "),
  /**
   * Greedy search, so that words appear one after the other; up to 30 tokens, enough for an answer that is a sentence.
   */
  decoding: {
    beams: 1,
    newTokens: { min: 0, max: 30 },
    lengthPenalty: 1,
    repetitionPenalty: 1,
    earlyStopping: false,
  },
  /**
   * Most positions for queries, prompt and new tokens together, if the language model has as many: the longest training
   * length of both.
   */
  mostPositions: 512,
  answer: (text: string): string => text.trim(),
} as const;

export const textMatching = {
  text: blipCaption,
  maxTokens: cocoRetrieval.protocols.paper.maxTokens,
} as const;

/** Placeholder values of the fields that a question has in a data set. */
const nothingElse = { id: "", image: { id: "", path: "" }, questionType: "", answerType: "", references: [] };

/** Callers have refused what cannot be asked of a family. */
function asked<S extends Sample>(
  { name, protocols }: GenerationTask<S>,
  family: WriterFamily,
  protocol: ProtocolName,
): NonNullable<ReturnType<typeof askedOf<S>>> {
  const found = askedOf(protocols[protocol], family);
  if (found === null) throw new Error(`${name} is not asked of ${family}`);
  return found;
}
