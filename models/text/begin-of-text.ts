/** What texts begin with that the Q-Former itself writes: LAVIS's addition to BERT's vocabulary (blip2.py:31-34). */
import { CheckpointError } from "../model.ts";
import type { Tokenizer } from "./tokenizer.ts";

const BEGIN = "[DEC]";

/** Throws a CheckpointError where the tokenizer does not know it. */
export function beginOfText(checkpoint: string, tokenizer: Tokenizer): number {
  const [begin, ...more] = tokenizer.encode(BEGIN, { specialTokens: false });
  if (begin !== undefined && more.length === 0) return begin;
  throw new CheckpointError(
    `${checkpoint}: its tokenizer has no word ${BEGIN}, which texts begin with. Convert it anew.`,
  );
}

/** What a checkpoint without the head for text is refused with. */
export function noTextHead(checkpoint: string): CheckpointError {
  return new CheckpointError(
    `${checkpoint}: its Q-Former has no head to write with. Make one with: npx blip2-bench convert`,
  );
}
