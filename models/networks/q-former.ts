/**
 * Q-Former: learned queries read an image. BLIP-2, section 3.1 and figure 2.
 *
 *   queries ─► norm ─► [ self-attention ─► cross-attention ─► feed-forward ] × layers,  each box: x = norm(x + box(x))
 *                                          (every second layer) ▲ image tokens
 *
 *   batch    images                tokens   257   from the vision transformer
 *   queries  32  learned           vision   1408  width of those tokens
 *   hidden   768 width in here     mlp      3072
 */
import { flattenRows, layerNorm } from "../graph/layers.ts";
import type { QFormerConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { attend, feedForward, keysAndValues } from "./q-former-layers.ts";
import type { Seen } from "./q-former-layers.ts";

/** `weights` is the whole checkpoint's: the queries lie beside the Q-Former in it. */
export function qFormer(weights: Weights, config: QFormerConfig): Graph {
  const { queries, hidden } = config;
  const g = new GraphBuilder("q-former");
  const x = queryLayers(g, weights, config);
  g.output("query_output", g.reshape(x, ["batch", queries, hidden]));
  return g.finish();
}

/**
 * Reads image_tokens, an input of the graph. → [rows, hidden]. `onKeys` is given what each layer's self-attention sees: keys
 * and values of the queries.
 */
export function queryLayers(
  g: GraphBuilder,
  weights: Weights,
  config: QFormerConfig,
  onKeys?: (seen: Seen) => void,
): Value {
  const { queries, hidden, vision, epsilon } = config;
  const image = g.input("image_tokens", ["batch", "tokens", vision]);
  const own = { ...config, batch: "batch", tokens: queries };
  const seen = { ...config, batch: "batch", tokens: "tokens" };

  let x = g.expand(g.weight(weights.tensor("query_tokens", [1, queries, hidden])), ["batch", queries, hidden]);
  x = layerNorm(g, flattenRows(g, x, hidden), weights.at("qformer.layernorm"), hidden, epsilon); // [rows, hidden]
  for (let layer = 0; layer < config.layers; layer += 1) {
    const w = weights.at(`qformer.encoder.layer.${layer}`);
    const self = w.at("attention");
    const queriesSeen = keysAndValues(g, x, self, { ...own, width: hidden });
    onKeys?.(queriesSeen);
    x = attend(g, x, queriesSeen, self, own);
    if (layer % config.crossAttentionEvery === 0) {
      const cross = w.at("crossattention");
      x = attend(g, x, keysAndValues(g, image, cross, { ...seen, width: vision }), cross, own);
    }
    x = feedForward(g, x, w.at("intermediate_query"), w.at("output_query"), config); // queries have their own; text has another
  }
  return x;
}
