/**
 * OPT's decoder in a loop of generation. The places of the image's queries come before the loop and stay as they are; a
 * token's position is carried, and a beam's next token stands one further.
 */
import type { OptConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import type { Graph } from "../graph/graph.ts";
import { attentionOverCache, headByHead } from "../graph/layers.ts";
import { generationLoop } from "./generation-loop.ts";
import type { LoopDecoder } from "./generation-loop.ts";
import { optLayers } from "./opt.ts";

/** `weights` begins at language_model.model.decoder, `output` is where the [vocabulary, word] matrix lies. */
export function optLoop(weights: Weights, output: Weights, config: OptConfig): Graph {
  const { heads, hidden, layers, vocabulary, wordWidth } = config;
  const head = hidden / heads;
  const cached = weights.activations("language");
  const decoder: LoopDecoder = {
    layers,
    heads,
    head,
    cached,
    width: wordWidth,
    vocabulary,
    endTokens: config.eos,
    words: weights.tensor("embed_tokens.weight", [vocabulary, wordWidth]),
    output,
    start: (g) => {
      const prefix = Array.from({ length: layers }, (_, layer) => ({
        keys: g.input(`prefix_keys.${layer}`, ["batch", heads, "prefix", head], cached),
        values: g.input(`prefix_values.${layer}`, ["batch", heads, "prefix", head], cached),
        axis: "prefix",
      }));
      return {
        positions: { initial: g.input("positions", ["batch", "tokens"], "int64"), shape: ["batch", "tokens"] },
        run: (body, { embeddings, mask, positions, remember }) => {
          const seen = body.reshape(mask, ["batch", 1, "tokens", "keys"]);
          const hidden = optLayers(body, weights, config, {
            embeddings,
            positions,
            attend: (layer, projected) =>
              headByHead(body, projected, { batch: "batch", tokens: "tokens", heads }, (q, recent) =>
                attentionOverCache(body, q, prefix[layer]!, remember(layer, recent), seen),
              ),
          });
          return { hidden, positionsAfter: (parents) => body.add(body.take(positions, parents), body.integers([1])) };
        },
      };
    },
  };
  return generationLoop(decoder);
}
