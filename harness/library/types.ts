/** The words of the library: what a checkpoint can be asked, and what comes back. See docs/api.md. */
import type { SamplingSettings, TextSettings } from "../catalog/text-settings.ts";
import type { TextMatch } from "../evaluation/retrieval/text-scores.ts";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import type { GeneratedToken, LanguageModelFamily } from "../../models/model.ts";
import type { Turn } from "../../tasks/own-image.ts";

export type { GeneratedToken, LanguageModelFamily, PreparationEvent, Turn };

export interface CheckpointOptions {
  /** fp32, fp16, int8, int8-block, int4, or by part: "language=int4,vision=int8". Unset: fp32. */
  readonly precision?: string;
  /** Where it computes: cpu, cuda, webgpu, coreml, dml, or auto, the best that works. Unset: cpu. */
  readonly device?: string;
  /** Which of several cuda or dml devices. Unset: 0. */
  readonly deviceId?: number;
  /** To compute with. Unset: all. */
  readonly threads?: number;
  /** For what is kept between runs. Unset: blip2-bench in the user's cache folder. */
  readonly cacheFolder?: string;
  /** The Hugging Face cache. Unset: where HF_HOME and its kin say, or its usual place. */
  readonly hubCache?: string;
  /** Width × height of an image, at most. Unset: 178,956,970. */
  readonly maxPixels?: number;
  /** Weights are being made, or something about what is kept should be known. */
  readonly onPreparation?: (event: PreparationEvent) => void;
}

/** A file's path, or a file's bytes: JPEG, PNG, WebP or GIF. */
export type ImageInput = string | Uint8Array;

export interface TextOptions extends TextSettings {
  /** How text is generated where no other option says otherwise. Unset: paper; in a conversation greedily, see docs/api.md. */
  readonly protocol?: "paper" | "lavis";
  /** How the next token is drawn; then nothing is searched for. */
  readonly sampling?: SamplingSettings;
  /** Told of text as soon as it will not change any more: joined, the pieces are the text. */
  readonly onText?: (piece: string) => void;
  /** Stops between two tokens: the promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Whether to give the tokens and how likely they were. */
  readonly tokenProbabilities?: boolean;
}

export interface GeneratedText {
  readonly text: string;
  /** null unless `tokenProbabilities` was asked for. */
  readonly tokens: readonly GeneratedToken[] | null;
  /** Of the best beam; null for greedy search and for text that is drawn. */
  readonly score: number | null;
  /** Milliseconds by stage. What was computed before is not in it. */
  readonly latencyMs: Readonly<Record<string, number>>;
  /** From the call's turn to its first piece of text, in milliseconds; null without `onText`, and where there is no text. */
  readonly firstTextMs: number | null;
}

export interface ConversationAnswer extends GeneratedText {
  /** Earlier turns that were left out of the prompt, the oldest first, because the language model has no room for them. */
  readonly droppedTurns: number;
}

/** A checkpoint with a language model. Calls are answered one after the other, in their order. */
export interface GeneratingCheckpoint {
  readonly kind: "generation";
  readonly name: string;
  readonly family: LanguageModelFamily;
  readonly precision: string;
  /** `prompt`: words that the caption goes on with; unset: none. */
  caption(image: ImageInput, options?: TextOptions & { readonly prompt?: string }): Promise<GeneratedText>;
  /** The paper's prompt for visual question answering. */
  ask(image: ImageInput, question: string, options?: TextOptions): Promise<GeneratedText>;
  /** `options`: for every question that says nothing else. `turns`: what was said before; unset: nothing. */
  chat(image: ImageInput, options?: TextOptions & { readonly turns?: readonly Turn[] }): Conversation;
  /** Frees its memory, after the calls at hand. */
  release(): Promise<void>;
}

/** Questions about one image, each asked in the context of those before. */
export interface Conversation {
  readonly turns: readonly Turn[];
  /** An answer that is stopped, or fails, leaves no turn. */
  ask(question: string, options?: TextOptions): Promise<ConversationAnswer>;
  /** Takes the last turn back; null where there is none. */
  undo(): Turn | null;
  /** Forgets all turns; the image stays. */
  reset(): void;
  /** Goes on with another image, and forgets all turns: they were about the one before. */
  image(next: ImageInput): void;
  /** What would be asked. Throws a UsageError for a question without words, or too long for the language model. */
  prompt(question: string): string;
  toJSON(): SavedConversation;
}

export interface SavedConversation {
  readonly model: string;
  readonly precision: string;
  /** Its path; null where bytes were given. */
  readonly image: string | null;
  readonly turns: readonly Turn[];
}

/** A checkpoint of the first stage: no language model, it tells how well texts fit an image. */
export interface MatchingCheckpoint {
  readonly kind: "retrieval";
  readonly name: string;
  readonly precision: string;
  /** In the order of `texts`. */
  match(image: ImageInput, texts: readonly string[], options?: MatchOptions): Promise<readonly TextMatch[]>;
  release(): Promise<void>;
}

export interface MatchOptions {
  /** Told of the milliseconds by stage, all texts together. */
  readonly onLatency?: (latencyMs: Readonly<Record<string, number>>) => void;
}
