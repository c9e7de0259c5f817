/** What loadCheckpoint returns: a checkpoint that generates text, or one that matches texts with an image. */
import pLimit from "p-limit";
import type { ImageTextScorer, VisionLanguageModel } from "../../models/model.ts";
import { captioning, questionAnswering } from "../../tasks/own-image.ts";
import { textScores } from "../evaluation/retrieval/text-scores.ts";
import { unexpected } from "../catalog/values.ts";
import { UsageError } from "../catalog/usage-error.ts";
import { OwnConversation } from "./conversation.ts";
import { readImage } from "./read-image.ts";
import { TextGenerator } from "./text-generator.ts";
import { generationOptions, readTextOptions, refuseUnknown } from "./text-options.ts";
import type { GeneratingCheckpoint, MatchingCheckpoint } from "./types.ts";

export function generatingCheckpoint(model: VisionLanguageModel, precision: string): GeneratingCheckpoint {
  const { name, family } = model;
  const generator = new TextGenerator(model);
  return {
    kind: "generation",
    name,
    family,
    precision,
    caption: async (image, options = {}) => {
      const choice = readTextOptions(options, ["prompt"]);
      const { protocol = "paper" } = choice;
      const { prompt = "" } = options;
      const asked = { image, prompt: prompt === "" ? captioning.prompt : prompt };
      return generator.generate(asked, generationOptions(choice, captioning.decoding(family, protocol)), options);
    },
    ask: async (image, question, options = {}) => {
      const choice = readTextOptions(options);
      const { protocol = "paper" } = choice;
      if (typeof question !== "string" || question.trim() === "") throw unexpected("question", question, "words");
      const prompt = questionAnswering.prompt(question, family, protocol);
      const maxPromptTokens = questionAnswering.maxPromptTokens(family, protocol);
      const decoding = generationOptions(choice, questionAnswering.decoding(family, protocol));
      return generator.generate({ image, prompt, maxPromptTokens }, decoding, options);
    },
    chat: (image, { turns = [], ...options } = {}) => {
      readTextOptions(options);
      refuseOtherTurns(turns);
      const decodingOf = (protocol: "paper" | "lavis") => questionAnswering.decoding(family, protocol);
      return new OwnConversation(image, { generator, about: { model: name, precision }, options, decodingOf, turns });
    },
    release: () => generator.release(),
  };
}

export function matchingCheckpoint(scorer: ImageTextScorer, precision: string): MatchingCheckpoint {
  const oneByOne = pLimit(1);
  let isReleased = false;
  return {
    kind: "retrieval",
    name: scorer.name,
    precision,
    match: async (input, texts, options = {}) => {
      refuseUnknown(options, ["onLatency", "likelihood"]);
      const { likelihood = false } = options;
      if (typeof likelihood !== "boolean") throw unexpected("likelihood", String(likelihood), "true or false");
      if (!Array.isArray(texts) || texts.some((text) => typeof text !== "string")) {
        throw new UsageError("texts: found something else, expected a list of texts.");
      }
      if (texts.length === 0) return [];
      return oneByOne(async () => {
        if (isReleased) throw new UsageError(`${scorer.name}: released, and cannot be asked any more.`);
        // All images get one id, so that what is kept of an image between embedding and matching replaces that of the
        // image before.
        const own = { ...(await readImage(input)), id: "own" };
        const { scores, latencyMs } = await textScores(scorer, own, texts, { likelihood });
        options.onLatency?.(latencyMs);
        return scores;
      });
    },
    release: () =>
      oneByOne(async () => {
        if (isReleased) return;
        isReleased = true;
        await scorer.release();
      }),
  };
}

function refuseOtherTurns(turns: readonly unknown[]): void {
  const isTurn = (turn: unknown): boolean => {
    if (typeof turn !== "object" || turn === null || !("question" in turn) || !("answer" in turn)) return false;
    return typeof turn.question === "string" && typeof turn.answer === "string";
  };
  if (Array.isArray(turns) && turns.every(isTurn)) return;
  throw new UsageError("turns: found something else, expected a list of questions with their answers.");
}
