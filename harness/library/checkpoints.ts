/** What loadCheckpoint returns: a checkpoint that generates text, one that matches texts with an image, or one that does both. */
import type { ImageTextScorer, VisionLanguageModel, WriterFamily } from "../../models/model.ts";
import { captioning, questionAnswering } from "../../tasks/own-image.ts";
import { textScores } from "../evaluation/retrieval/text-scores.ts";
import { unexpected } from "../catalog/values.ts";
import { UsageError } from "../catalog/usage-error.ts";
import { CallQueue } from "./call-queue.ts";
import { OwnConversation } from "./conversation.ts";
import { readImage } from "./read-image.ts";
import { TextGenerator } from "./text-generator.ts";
import { generationOptions, readTextOptions, refuseUnknown } from "./text-options.ts";
import type { DescribingCheckpoint, GeneratingCheckpoint, MatchingCheckpoint } from "./types.ts";

export function generatingCheckpoint(model: VisionLanguageModel, precision: string): GeneratingCheckpoint {
  const { name, family } = model;
  const generator = new TextGenerator(model);
  return {
    kind: "generation",
    name,
    family,
    precision,
    caption: captionWith(family, generator.generate.bind(generator)),
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

function captionWith(family: WriterFamily, generate: TextGenerator["generate"]): GeneratingCheckpoint["caption"] {
  return async (image, options = {}) => {
    const choice = readTextOptions(options, ["prompt"]);
    const { protocol = "paper" } = choice;
    const { prompt = "" } = options;
    const asked = { image, prompt: prompt === "" ? captioning.prompt : prompt };
    return generate(asked, generationOptions(choice, captioning.decoding(family, protocol)), options);
  };
}

/** `calls`: where calls of this checkpoint other than those to match wait, too; unset: there are none. */
export function matchingCheckpoint(
  scorer: ImageTextScorer,
  precision: string,
  calls = new CallQueue(scorer.name),
): MatchingCheckpoint {
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
      return calls.add(async () => {
        // All images get one id, so that what is kept of an image between embedding and matching replaces that of the
        // image before.
        const own = { ...(await readImage(input)), id: "own" };
        const { scores, latencyMs } = await textScores(scorer, own, texts, { likelihood });
        options.onLatency?.(latencyMs);
        return scores;
      });
    },
    release: () => calls.release(() => scorer.release()),
  };
}

/** `loadWriter`: loads its Q-Former as what writes; called by the first caption, so that matching alone takes no more memory. */
export function describingCheckpoint(
  scorer: ImageTextScorer,
  loadWriter: () => Promise<VisionLanguageModel>,
  precision: string,
): DescribingCheckpoint {
  const calls = new CallQueue(scorer.name);
  const family = "itg";
  let generator: TextGenerator | null = null;
  const generate: TextGenerator["generate"] = (asked, decoding, options) =>
    calls.add(async () => {
      options.signal?.throwIfAborted();
      generator ??= new TextGenerator(await loadWriter());
      return generator.generate(asked, decoding, options);
    });
  return {
    ...matchingCheckpoint(scorer, precision, calls),
    family,
    caption: captionWith(family, generate),
    ask: () => Promise.reject(new UsageError(describesOnly(scorer.name))),
    chat: () => {
      throw new UsageError(describesOnly(scorer.name));
    },
    release: () =>
      calls.release(async () => {
        await scorer.release();
        await generator?.release();
      }),
  };
}

/** Why a Q-Former that captions is asked no questions. */
export function describesOnly(name: string): string {
  return `${name}: its Q-Former was trained to describe images, not to answer questions. Ask it for a caption.`;
}

function refuseOtherTurns(turns: readonly unknown[]): void {
  const isTurn = (turn: unknown): boolean => {
    if (typeof turn !== "object" || turn === null || !("question" in turn) || !("answer" in turn)) return false;
    return typeof turn.question === "string" && typeof turn.answer === "string";
  };
  if (Array.isArray(turns) && turns.every(isTurn)) return;
  throw new UsageError("turns: found something else, expected a list of questions with their answers.");
}
