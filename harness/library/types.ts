/** The public types of the library: what a checkpoint can be asked, and what it returns. See docs/api.md. */
import type { SamplingSettings, TextSettings } from "../catalog/text-settings.ts";
import type { TextMatch } from "../evaluation/retrieval/text-scores.ts";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import type { GeneratedToken, LanguageModelFamily, WriterFamily } from "../../models/model.ts";
import type { Turn } from "../../tasks/own-image.ts";

export type { GeneratedToken, LanguageModelFamily, PreparationEvent, Turn, WriterFamily };

export interface CheckpointOptions {
  /** fp32, fp16, int8, int8-block, int4, or by part: "language=int4,vision=int8". Unset: fp32. */
  readonly precision?: string;
  /** The device that computes: cpu, cuda, webgpu, coreml, dml, or auto (the best that works). Unset: cpu. */
  readonly device?: string;
  /** Which of several cuda or dml devices. Unset: 0. */
  readonly deviceId?: number;
  /** Threads to compute with. Unset: one for each usable processor. */
  readonly threads?: number;
  /** Folder for converted weights. Unset: blip2-bench in the user's cache folder. */
  readonly cacheFolder?: string;
  /** Folder of the Hugging Face cache. Unset: that of HF_HUB_CACHE or HF_HOME, or else its default place. */
  readonly hubCache?: string;
  /** The largest width × height of an image in pixels. Unset: 178,956,970. */
  readonly maxPixels?: number;
  /** Called while weights are converted, and with warnings about the cache. */
  readonly onPreparation?: (event: PreparationEvent) => void;
}

/** A file's path, or a file's bytes: JPEG, PNG, WebP or GIF. */
export type ImageInput = string | Uint8Array;

export interface TextOptions extends TextSettings {
  /**
   * How text is generated where no other option overrides it. Unset: paper; in a conversation greedy search, see
   * docs/api.md.
   */
  readonly protocol?: "paper" | "lavis";
  /** Draws each next token at random with these settings, in place of a search. */
  readonly sampling?: SamplingSettings;
  /** Called with each piece of text as soon as it is final; joined, the pieces are the text. */
  readonly onText?: (piece: string) => void;
  /** Stops generation between two tokens: the promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Whether to return the tokens with their probabilities. */
  readonly tokenProbabilities?: boolean;
}

export interface GeneratedText {
  readonly text: string;
  /** null unless `tokenProbabilities` was asked for. */
  readonly tokens: readonly GeneratedToken[] | null;
  /** Score of the best beam; null for greedy search and for text drawn at random. */
  readonly score: number | null;
  /** Milliseconds by stage. Work that an earlier call has done already, such as encoding the image, is not in it. */
  readonly latencyMs: Readonly<Record<string, number>>;
  /**
   * Milliseconds from the moment the call begins to be processed to its first piece of text; null without `onText`, and
   * for an empty text.
   */
  readonly firstTextMs: number | null;
}

export interface ConversationAnswer extends GeneratedText {
  /**
   * Number of earlier turns left out of the prompt, the oldest first, because the language model has no room for them.
   */
  readonly droppedTurns: number;
}

/** A checkpoint with a language model. Calls are answered one after the other, in their order. */
export interface GeneratingCheckpoint {
  readonly kind: "generation";
  readonly name: string;
  readonly family: WriterFamily;
  readonly precision: string;
  /** Writes a caption. `prompt`: words that the caption begins with and continues; unset: none. */
  caption(image: ImageInput, options?: TextOptions & { readonly prompt?: string }): Promise<GeneratedText>;
  /** Answers a question, with the paper's prompt for visual question answering. */
  ask(image: ImageInput, question: string, options?: TextOptions): Promise<GeneratedText>;
  /** Begins a conversation. `options`: the defaults of all its questions. `turns`: earlier turns; unset: none. */
  chat(image: ImageInput, options?: TextOptions & { readonly turns?: readonly Turn[] }): Conversation;
  /** Frees the memory of the checkpoint once pending calls are answered. */
  release(): Promise<void>;
}

/** Questions about one image, each asked in the context of those before. */
export interface Conversation {
  readonly turns: readonly Turn[];
  /** An answer that is stopped, or fails, leaves no turn. */
  ask(question: string, options?: TextOptions): Promise<ConversationAnswer>;
  /** Removes and returns the last turn; null where there is none. */
  undo(): Turn | null;
  /** Forgets all turns; the image stays. */
  reset(): void;
  /** Changes the image and forgets all turns, since they were about the former image. */
  image(next: ImageInput): void;
  /**
   * The prompt that `ask` would use. Throws a UsageError for a question without words, or too long for the language
   * model.
   */
  prompt(question: string): string;
  toJSON(): SavedConversation;
}

export interface SavedConversation {
  readonly model: string;
  readonly precision: string;
  /** Path of the image; null where bytes were given. */
  readonly image: string | null;
  readonly turns: readonly Turn[];
}

/**
 * A checkpoint of BLIP-2's first pre-training stage: it has no language model and scores how well texts fit an image.
 */
export interface MatchingCheckpoint {
  readonly kind: "retrieval";
  readonly name: string;
  readonly precision: string;
  /** One match for each text, in the order of `texts`. */
  match(image: ImageInput, texts: readonly string[], options?: MatchOptions): Promise<readonly TextMatch[]>;
  release(): Promise<void>;
}

export interface MatchOptions {
  /** Called with the milliseconds by stage, of all texts together. */
  readonly onLatency?: (latencyMs: Readonly<Record<string, number>>) => void;
  /** Whether matches say how likely the Q-Former is to write each text, for checkpoints with a head for that. Default: false. */
  readonly likelihood?: boolean;
}
