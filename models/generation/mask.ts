/** Masks are added to attention scores: 0 where a token sees a key, and where it does not, what is below. */

import type { Tensor } from "onnxruntime-node";
import { float32Tensor } from "../runtime.ts";

/** The lowest float, as in the reference, never -infinity: a row that sees nothing must not become not-a-number. */
export const MASKED = -3.4028234663852886e38;

/** Rows of tokens filled up on the right to the longest: [rows, longest] */
export function paddingMask(lengths: readonly number[]): Float32Array {
  const longest = Math.max(...lengths);
  const mask = new Float32Array(lengths.length * longest).fill(MASKED);
  for (const [row, length] of lengths.entries()) mask.fill(0, row * longest, row * longest + length);
  return mask;
}

/**
 * For the first round of generation in a graph: keys are those that all tokens see, those that none sees, and the tokens
 * themselves, of which each sees those up to itself. [sequences, tokens, seen + unseen + tokens]
 */
export function loopMask(size: {
  readonly sequences: number;
  readonly seen: number;
  readonly unseen: number;
  readonly tokens: number;
}): Tensor {
  const { sequences, seen, unseen, tokens } = size;
  const keys = seen + unseen + tokens;
  const mask = new Float32Array(sequences * tokens * keys).fill(MASKED);
  for (let row = 0; row < sequences * tokens; row += 1) {
    mask.fill(0, row * keys, row * keys + seen);
    mask.fill(0, row * keys + seen + unseen, row * keys + seen + unseen + (row % tokens) + 1);
  }
  return float32Tensor(mask, [sequences, tokens, keys]);
}
