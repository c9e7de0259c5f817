/** OPT's decoder in a loop of generation, behind the places of the image's queries, which stay as they are. */
import type { OptConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import type { Graph } from "../graph/graph.ts";
import { generationLoop } from "./generation-loop.ts";
import { optLayers } from "./opt.ts";
import { prefixedStart } from "./prefixed-start.ts";

/** `weights` begins at language_model.model.decoder, `output` is where the [vocabulary, word] matrix lies. */
export function optLoop(weights: Weights, output: Weights, config: OptConfig): Graph {
  const { heads, hidden, layers, vocabulary, wordWidth } = config;
  const size = { layers, heads, head: hidden / heads, cached: weights.activations("language") };
  return generationLoop({
    ...size,
    width: wordWidth,
    vocabulary,
    endTokens: config.eos,
    words: weights.tensor("embed_tokens.weight", [vocabulary, wordWidth]),
    output,
    start: prefixedStart(size, (body, given) => optLayers(body, weights, config, given)),
  });
}
