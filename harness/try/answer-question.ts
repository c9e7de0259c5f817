/**
 * Answers a question from the page with the library: translates the page's request into library calls, and the result
 * back.
 */
import { captioning, conversing, questionAnswering } from "../../tasks/own-image.ts";
import type {
  DescribingCheckpoint,
  GeneratedText,
  GeneratingCheckpoint,
  MatchingCheckpoint,
  TextOptions,
} from "../library/api.ts";
import type { Question, Said } from "./checkpoint-service.ts";
import type { Conversations } from "./conversations.ts";
import type { Answer, Decoding, Matches, Work } from "./wire.ts";

type WritingCheckpoint = GeneratingCheckpoint | DescribingCheckpoint;
export type AnyCheckpoint = WritingCheckpoint | MatchingCheckpoint;

export interface AnsweringOptions {
  readonly conversations: Conversations;
  readonly signal: AbortSignal;
  /** Called with the whole text so far, each time it grows. */
  readonly onText: (text: string) => void;
}

/** Throws what the checkpoint throws, and the signal's reason once it is aborted. */
export async function answerQuestion(
  checkpoint: AnyCheckpoint,
  question: Question,
  options: AnsweringOptions,
): Promise<Said> {
  const start = performance.now();
  const { image, work, decoding } = question;
  if (work.kind !== "match") {
    if (!("caption" in checkpoint)) throw new Error("asked for text of a checkpoint that only matches");
    return { answer: await textOf(checkpoint, { image, work, decoding }, { ...options, start }) };
  }
  if (checkpoint.kind !== "retrieval") throw new Error("asked to match texts of a checkpoint that generates");
  let stagesMs: Matches["stagesMs"] = {};
  const onLatency = (latencyMs: Matches["stagesMs"]): void => {
    stagesMs = stagesOf(latencyMs);
  };
  const found = await checkpoint.match(image, work.texts, { onLatency });
  const texts = found.map(({ text, matching, similarity }) => ({ text, matching, similarity }));
  return { matches: { texts, stagesMs, wholeMs: performance.now() - start } };
}

async function textOf(
  checkpoint: WritingCheckpoint,
  { image, work, decoding }: Question & { readonly work: Exclude<Work, { kind: "match" }> },
  { conversations, signal, onText, start }: AnsweringOptions & { readonly start: number },
): Promise<Answer> {
  let text = "";
  const options: TextOptions = {
    ...textOptions(decoding, leastNewTokens(work.kind, checkpoint.family)),
    signal,
    tokenProbabilities: true,
    onText: (piece) => {
      text += piece;
      onText(text);
    },
  };
  const answerOf = (said: GeneratedText, note: string | null): Answer => {
    const { score, firstTextMs } = said;
    const tokens = (said.tokens ?? []).map((token) => ({ text: token.text, probability: token.probability }));
    const stagesMs = stagesOf(said.latencyMs);
    return { text: said.text, tokens, score, firstTextMs, note, stagesMs, wholeMs: performance.now() - start };
  };
  switch (work.kind) {
    case "caption":
      return answerOf(await checkpoint.caption(image, { ...options, prompt: work.prompt }), null);
    case "ask":
      return answerOf(await checkpoint.ask(image, work.question, options), null);
    case "chat": {
      const conversation = conversations.at(work, () => checkpoint.chat(image, { turns: work.turns }));
      const said = await conversation.ask(work.question, options);
      return answerOf(said, droppedNote(said.droppedTurns));
    }
  }
}

/** `least`: the paper's minimum of new tokens; lowered to the maximum where that is smaller. */
function textOptions({ beams, maxNewTokens, sampling }: Decoding, least: number): TextOptions {
  return {
    ...(beams !== null && { beams }),
    ...(maxNewTokens !== null && { maxNewTokens, minNewTokens: Math.min(least, maxNewTokens) }),
    ...(sampling !== null && { sampling }),
  };
}

function leastNewTokens(kind: Work["kind"], family: WritingCheckpoint["family"]): number {
  if (kind === "chat") return conversing.decoding.newTokens.min;
  return (kind === "ask" ? questionAnswering : captioning).decoding(family, "paper").newTokens.min;
}

function droppedNote(dropped: number): string | null {
  if (dropped === 0) return null;
  const turns = dropped === 1 ? "oldest turn" : `${dropped} oldest turns`;
  return `The ${turns} did not fit the model's context any more and ${dropped === 1 ? "was" : "were"} left out.`;
}

/**
 * The stages without the waiting for the image: with a single image nothing overlaps, so its other stages hold that
 * time already.
 */
function stagesOf(latencyMs: GeneratedText["latencyMs"]): Answer["stagesMs"] {
  return Object.fromEntries(Object.entries(latencyMs).filter(([stage]) => stage !== "imageWait"));
}
