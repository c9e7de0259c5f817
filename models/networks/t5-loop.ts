/**
 * T5's decoder in a loop of generation. What the encoder read comes before the loop and stays as it is. All sequences
 * begin with one start token, so a token's position is the number of its round; carried are the positions of past places.
 */
import type { T5Config } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { attention, headByHead } from "../graph/layers.ts";
import type { LoopBuilder } from "../graph/loop-builder.ts";
import { generationLoop } from "./generation-loop.ts";
import type { LoopDecoder } from "./generation-loop.ts";
import { t5DecoderBiases, t5DecoderLayers } from "./t5.ts";

/** `weights` begins at language_model; `buckets` has the bucket of each distance, the last of all beyond. */
export function t5Loop(weights: Weights, output: Weights, config: T5Config, buckets: readonly number[]): Graph {
  const { width, heads, keyWidth, decoderLayers, vocabulary } = config;
  const cached = weights.activations("language");
  const decoder: LoopDecoder = {
    layers: decoderLayers,
    heads,
    head: keyWidth,
    cached,
    width,
    vocabulary,
    endTokens: config.eos,
    words: weights.tensor("shared.weight", [vocabulary, width]),
    output,
    start: (g) => {
      const read = (name: string): readonly Value[] =>
        Array.from({ length: decoderLayers }, (_, layer) =>
          g.input(`${name}.${layer}`, ["batch", heads, "source", keyWidth], cached),
        );
      const axes = { batch: "batch", tokens: "tokens", heads };
      const sourceMask = g.input("source_mask", ["batch", 1, 1, "source"]);
      const source = { keys: read("source_keys"), values: read("source_values"), mask: sourceMask };
      return {
        positions: { initial: g.integers([0]), shape: ["past"] }, // of the one place that nothing sees
        run: (body, given) => {
          const { round, embeddings, remember } = given;
          const places = body.concat([given.positions, body.expand(round, ["tokens"])], 0, "present");
          const table = t5DecoderBiases(body, weights, config);
          const mask = body.reshape(given.mask, ["batch", 1, "tokens", "present"]); // nothing is before the loop
          const bias = body.add(biases(body, body.subtract(round, places), buckets, table), mask);
          const hidden = t5DecoderLayers(body, weights, config, {
            embeddings,
            source,
            axes,
            attend: (layer, projected) =>
              headByHead(body, projected, axes, (q, recent) => {
                const { keys, values } = remember(layer, recent);
                return attention(body, q, keys, values, bias); // bias: [batch, heads, tokens, keys]
              }),
          });
          return { hidden, positionsAfter: () => places };
        },
      };
    },
  };
  return generationLoop(decoder);
}

/** Of distances [keys] of the round's tokens to every key: [1, heads, 1, keys] */
function biases(g: LoopBuilder, distances: Value, buckets: readonly number[], table: Value): Value {
  const near = g.minimum(distances, g.integers([buckets.length - 1]));
  const byKey = g.gather(table, g.gather(g.integers(buckets), near)); // [keys, heads]
  return g.reshape(g.transpose(byKey, [1, 0]), [1, table.shape[1] ?? 1, 1, "present"]);
}
