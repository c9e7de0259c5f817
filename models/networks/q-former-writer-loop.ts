/**
 * The Q-Former's writing in a loop of generation, as OPT's in opt-loop.ts: the places of the image's queries come before the
 * loop and stay as they are.
 */
import type { QFormerConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import type { Graph } from "../graph/graph.ts";
import { generationLoop } from "./generation-loop.ts";
import { prefixedStart } from "./prefixed-start.ts";
import { TEXT_HEAD_PATH, writerLayers } from "./q-former-writer.ts";

/** `endTokens`: of the tokenizer, [SEP]. */
export function writerLoop(weights: Weights, config: QFormerConfig, endTokens: readonly number[]): Graph {
  const { heads, hidden, layers, vocabulary } = config;
  const size = { layers, heads, head: hidden / heads, cached: weights.activations("q-former") };
  return generationLoop({
    ...size,
    width: hidden,
    vocabulary,
    endTokens,
    words: weights.tensor("embeddings.word_embeddings.weight", [vocabulary, hidden]),
    output: weights.at("embeddings.word_embeddings"),
    outputBias: weights.tensor(`${TEXT_HEAD_PATH}.decoder.bias`, [vocabulary]),
    start: prefixedStart(size, (body, given) => writerLayers(body, weights, config, given)),
  });
}
