/**
 * A prompt's tokens as the reference lays them out (processing_blip_2.py:60-110): one <image> for each query, then the text.
 * In a batch the text is padded, not the row, so padding on the left lies between image tokens and text.
 *
 *   OPT   [<image> × 32] [pads] </s> prompt        T5   [<image> × 32] prompt </s> [pads]
 *   Q-Former, in a retrieval checkpoint            [<image> × 32] [CLS] text [SEP] [pads]
 */
import type { Tokenizer } from "../../models/text/tokenizer.ts";

export function layoutPrompt(tokenizer: Tokenizer, prompt: string | null): readonly number[] {
  return [...tokenizer.imageTokens, ...tokenizer.encodePrompt(prompt)];
}

export interface PaddedBatch {
  /** [batch, tokens] */
  readonly ids: readonly (readonly number[])[];
  /** [batch, tokens], 1 for a token, 0 for padding */
  readonly mask: readonly (readonly number[])[];
}

export function layoutBatch(tokenizer: Tokenizer, prompts: readonly (string | null)[]): PaddedBatch {
  const texts = prompts.map((prompt) => tokenizer.encodePrompt(prompt));
  const longest = Math.max(0, ...texts.map((text) => text.length));
  const row = (text: readonly number[], fill: { image: readonly number[]; pad: number }): readonly number[] => {
    const pads = new Array<number>(longest - text.length).fill(fill.pad);
    return tokenizer.paddingSide === "left" ? [...fill.image, ...pads, ...text] : [...fill.image, ...text, ...pads];
  };
  const { imageTokens: image, pad } = tokenizer;
  const ones = (ids: readonly number[]): readonly number[] => ids.map(() => 1);
  return {
    ids: texts.map((text) => row(text, { image, pad })),
    mask: texts.map((text) => row(ones(text), { image: ones(image), pad: 0 })),
  };
}
