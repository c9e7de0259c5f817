/** A question of the page, asked of a checkpoint: what is sent becomes what the checkpoint takes, and back. */
import type { Question, Said } from "./checkpoint-messages.ts";
import type { Conversations } from "./conversations.ts";
import type { Answer, Decoding } from "./wire.ts";

/** Of text that is generated, while it comes and in the end. */
export interface TriedText {
  readonly text: string;
  readonly tokens?: readonly { readonly text: string; readonly probability: number | null }[];
  readonly score: number | null;
  readonly latencyMs: Readonly<Record<string, number>>;
  readonly firstTextMs: number | null;
}

export interface TriedOptions {
  readonly signal: AbortSignal;
  readonly onText: (text: string) => void;
  readonly decoding: Decoding;
}

export interface TriedConversation {
  readonly turns: readonly { readonly question: string; readonly answer: string }[];
  readonly ask: (question: string, options: TriedOptions) => Promise<TriedText & { readonly droppedTurns: number }>;
}

export interface TriedGenerator {
  readonly kind: "generation";
  readonly caption: (
    image: Uint8Array,
    options: TriedOptions & { readonly prompt: string | null },
  ) => Promise<TriedText>;
  readonly ask: (image: Uint8Array, question: string, options: TriedOptions) => Promise<TriedText>;
  readonly chat: (image: Uint8Array, turns: TriedConversation["turns"]) => TriedConversation;
}

export interface TriedScorer {
  readonly kind: "retrieval";
  readonly match: (image: Uint8Array, texts: readonly string[]) => Promise<TriedMatches>;
}

export interface TriedMatches {
  readonly texts: readonly { readonly text: string; readonly matching: number; readonly similarity: number }[];
  readonly latencyMs: Readonly<Record<string, number>>;
}

/** A checkpoint, as `try` asks it. */
export type TriedCheckpoint = TriedGenerator | TriedScorer;

export interface AnsweringOptions {
  readonly conversations: Conversations;
  readonly signal: AbortSignal;
  readonly onText: (text: string) => void;
}

/** Throws what the checkpoint throws, the signal's reason among that. */
export async function answerQuestion(
  checkpoint: TriedCheckpoint,
  { image, work, decoding }: Question,
  { conversations, signal, onText }: AnsweringOptions,
): Promise<Said> {
  const start = performance.now();
  if (checkpoint.kind === "retrieval") {
    if (work.kind !== "match") throw new Error("asked for text of a checkpoint that matches");
    const { texts, latencyMs } = await checkpoint.match(image, work.texts);
    return { matches: { texts, stagesMs: stagesOf(latencyMs), wholeMs: performance.now() - start } };
  }
  const options = { signal, onText, decoding };
  const answerOf = (said: TriedText, note: string | null): Said => {
    const { text, tokens = [], score, latencyMs, firstTextMs } = said;
    const answer: Answer = {
      ...{ text, tokens, score, firstTextMs, note },
      stagesMs: stagesOf(latencyMs),
      wholeMs: performance.now() - start,
    };
    return { answer };
  };
  switch (work.kind) {
    case "caption": {
      const prompt = work.prompt === "" ? null : work.prompt;
      return answerOf(await checkpoint.caption(image, { ...options, prompt }), null);
    }
    case "ask":
      return answerOf(await checkpoint.ask(image, work.question, options), null);
    case "chat": {
      const conversation = conversations.at(work, () => checkpoint.chat(image, work.turns));
      const said = await conversation.ask(work.question, options);
      return answerOf(said, droppedNote(said.droppedTurns));
    }
    case "match":
      throw new Error("asked to match texts of a checkpoint that generates");
  }
}

function droppedNote(dropped: number): string | null {
  if (dropped === 0) return null;
  const turns = dropped === 1 ? "oldest turn" : `${dropped} oldest turns`;
  return `The ${turns} did not fit the model's context any more and ${dropped === 1 ? "was" : "were"} left out.`;
}

/** Of one image nothing is done beside the rest: what is waited for it is what its other stages say. */
function stagesOf(latencyMs: TriedText["latencyMs"]): Answer["stagesMs"] {
  return Object.fromEntries(Object.entries(latencyMs).filter(([stage]) => stage !== "imageWait"));
}
