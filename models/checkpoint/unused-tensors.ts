/**
 * Every tensor of a checkpoint is read, or is known not to be needed: a tensor that nobody asked for is a layer forgotten,
 * or a config that is too small.
 */
import type { Blip2Config } from "./config.ts";
import { CheckpointError } from "../model.ts";
import { listed } from "./weight-files.ts";
import type { Weights } from "./weights.ts";

/** Tensors that may lie in a checkpoint unread, and why. */
export interface UnusedTensors {
  readonly names: RegExp;
  readonly reason: string;
}

const anyKind: readonly UnusedTensors[] = [
  { names: /^temp$/, reason: "the temperature of the contrastive loss; ranks do not depend on it" },
  {
    names: /^qformer\.cls\.predictions\.(?:bias|decoder\.weight)$/,
    reason: "copies of decoder.bias and of the word embeddings, to which LAVIS ties the Q-Former's head",
  },
  { names: /^qformer\.cls\./, reason: "the head by which the Q-Former itself writes" },
  { names: /^(?:qformer\.)?embeddings\.position_ids$/, reason: "0, 1, 2, …" },
  {
    names: /\.EncDecAttention\.relative_attention_bias\.weight$/,
    reason: "cross-attention in T5 has no relative positions; old files have the table nevertheless",
  },
];

/** What the Q-Former's head for text has of its own (Qformer.py:607-642); a checkpoint for retrieval may have it. */
export const TEXT_HEAD = /^qformer\.cls\.predictions\.(?:transform\.|decoder\.bias$)/;

/** Of the Q-Former's first stage of training (BLIP-2, section 3.1); LAVIS's files keep them beside a language model. */
const textSide: readonly UnusedTensors[] = [
  { names: /^embeddings\.(?:word|position)_embeddings\.weight$/, reason: "the Q-Former reads no text here" },
  { names: /^qformer\.encoder\.layer\.\d+\.(?:intermediate|output)\./, reason: "the Q-Former's feed-forward for text" },
  { names: /^(?:vision_projection|text_projection|itm_head)\./, reason: "for retrieval only" },
];

const languageSide: readonly UnusedTensors[] = [
  { names: /^language_(?:projection|model)\./, reason: "retrieval needs no language model" },
];

export function knownUnusedTensors(config: Blip2Config): readonly UnusedTensors[] {
  return [...anyKind, ...(config.kind === "generation" ? textSide : languageSide)];
}

/** Tensors neither read nor known to be unneeded. */
export function unusedTensors(weights: Weights, config: Blip2Config): readonly string[] {
  const known = knownUnusedTensors(config);
  return weights.unread().filter((name) => !known.some(({ names }) => names.test(name)));
}

/** To be called when all networks have been built. */
export function checkAllUsed(weights: Weights, config: Blip2Config): void {
  const unused = unusedTensors(weights, config);
  if (unused.length === 0) return;
  throw new CheckpointError(
    `${weights.name}: ${listed(unused)} of the checkpoint would not be used. Does config.json name fewer layers than there are?`,
  );
}
