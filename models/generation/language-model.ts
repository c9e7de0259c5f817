/**
 * A frozen language model as BLIP-2 uses it: it is shown an image's soft prompt (the projected queries), then a prompt's
 * tokens, and generates. OPT and FlanT5 differ in what they keep of the image and in how a text begins; the loop that
 * generates is one.
 */
import type { Tensor } from "onnxruntime-node";
import type { LanguageHead } from "./candidates.ts";
import type { GenerationStart } from "./generate.ts";
import type { Hypothesis } from "./search.ts";
import type { DecodingOptions } from "../model.ts";

/** One that generates in one run of one graph (graph-generation.ts), so that nothing comes out between two tokens. */
export interface GraphLanguageModel<Seen> extends Pick<
  LanguageModel<Seen>,
  "endTokens" | "see" | "refuse" | "release"
> {
  /** The hypotheses for each prompt, best first. */
  readonly answer: (
    prompts: readonly { readonly seen: Seen; readonly tokens: readonly number[] }[],
    options: DecodingOptions,
  ) => Promise<readonly (readonly Hypothesis[])[]>;
}

/** `Seen` is what the model keeps of an image, computed once and shared by all its questions. */
export interface LanguageModel<Seen> {
  readonly head: LanguageHead;
  readonly endTokens: readonly number[];
  /** Soft prompts [images, queries, width] → what is kept of each image. */
  readonly see: (softPrompts: Tensor) => Promise<readonly Seen[]>;
  /** Why a prompt cannot be used, or null. Counts the positions it and its longest continuation would take. */
  readonly refuse: (tokens: readonly number[], newTokens: number) => string | null;
  readonly start: (
    prompts: readonly { readonly seen: Seen; readonly tokens: readonly number[] }[],
    longest: { readonly beams: number; readonly newTokens: number },
  ) => Promise<GenerationStart>;
  readonly release: () => Promise<void>;
}
