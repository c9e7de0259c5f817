/**
 * A frozen language model as BLIP-2 uses it: it is shown an image's soft prompt (the projected queries), then a prompt's
 * tokens, and generates. OPT and FlanT5 differ in what they keep of the image and in how a text begins; the loop that
 * generates is one.
 */
import type { Tensor } from "onnxruntime-node";
import type { LanguageHead } from "./candidates.ts";
import type { Begun, GenerationStart } from "./generate.ts";
import type { Hypothesis } from "./search.ts";
import type { DecodingOptions } from "../model.ts";

/** `Seen` is what the model keeps of an image, computed once and shared by all its questions. */
export interface LanguageModel<Seen> {
  readonly head: LanguageHead;
  readonly endTokens: readonly number[];
  /**
   * Soft prompts [images, queries, width] → what is kept of each image. `common`: the tokens that every prompt asked of what
   * is kept begins with, and goes on from; a model that reads prompts whole has no use for them.
   */
  readonly see: (softPrompts: Tensor, common?: readonly number[]) => Promise<readonly Seen[]>;
  /**
   * What is kept of an image and a prompt about it → of that image and only the prompt's first `tokens`. Unset: prompts are
   * read whole, and nothing is kept of them.
   */
  readonly shorten?: (seen: Seen, tokens: number) => Seen;
  /** Why a prompt cannot be used, or null. Counts the positions it and its longest continuation would take. */
  readonly refuse: (tokens: readonly number[], newTokens: number) => string | null;
  /** Frees what was kept of an image, where that must be said; no question about it is to come. */
  readonly forget?: (seen: Seen) => void;
  /** Whether new sequences can join a batch that has decoded some tokens; unset: they can. */
  readonly isRefilled?: boolean;
  /** A batch of these prompts, to which others come, and no others than `room` is for. */
  readonly start: (prompts: readonly Prompt<Seen>[], room: Room) => Promise<JoinableStart<Seen>>;
  readonly release: () => Promise<void>;
}

/** One that generates in one run of one graph (graph-generation.ts), so that nothing comes out between two tokens. */
export interface GraphLanguageModel<Seen> extends Omit<LanguageModel<Seen>, "head" | "start" | "isRefilled"> {
  /** The hypotheses for each prompt, best first. */
  readonly answer: (
    prompts: readonly Prompt<Seen>[],
    options: DecodingOptions,
  ) => Promise<readonly (readonly Hypothesis[])[]>;
}

/** `tokens`: all behind the queries, common ones too. */
export interface Prompt<Seen> {
  readonly seen: Seen;
  readonly tokens: readonly number[];
  /** Given what may be kept of image and prompt, by a model that can shorten it. Unset: it need not be kept. */
  readonly onSeen?: (seen: Seen) => void;
}

export interface Room {
  readonly beams: number;
  readonly newTokens: number;
  /** Sequences at a time; unset: as many as there are prompts. */
  readonly sequences?: number;
  /** Tokens of the longest prompt there will be; unset: of those that start. */
  readonly promptTokens?: number;
}

export interface JoinableStart<Seen> extends GenerationStart {
  readonly join: (prompts: readonly Prompt<Seen>[]) => Promise<Begun>;
}

/** The room there must be for these prompts and those to come. */
export function roomFor(
  prompts: readonly Pick<Prompt<unknown>, "tokens">[],
  { sequences = prompts.length, promptTokens }: Room,
): { readonly sequences: number; readonly promptTokens: number } {
  return { sequences, promptTokens: promptTokens ?? Math.max(...prompts.map(({ tokens }) => tokens.length)) };
}
