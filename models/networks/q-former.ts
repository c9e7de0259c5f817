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
import { attention, flattenRows, layerNorm, linear, mergeHeads, splitHeads } from "../graph/layers.ts";
import type { QFormerConfig } from "../config.ts";
import type { Weights } from "../weights.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Value } from "../graph/builder.ts";

/** `weights` is the whole checkpoint's: the queries lie beside the Q-Former in it. */
export function qFormer(weights: Weights, config: QFormerConfig): Graph {
  const { queries, hidden, epsilon } = config;
  const g = new GraphBuilder("q-former");
  const image = g.input("image_tokens", ["batch", "tokens", config.vision]);

  let x = g.expand(g.weight(weights.tensor("query_tokens", [1, queries, hidden])), ["batch", queries, hidden]);
  x = layerNorm(g, flattenRows(g, x, hidden), weights.at("qformer.layernorm"), hidden, epsilon); // [rows, hidden]
  for (let layer = 0; layer < config.layers; layer += 1) {
    const w = weights.at(`qformer.encoder.layer.${layer}`);
    x = attend(g, { from: x, to: x, tokens: queries, width: hidden }, w.at("attention"), config);
    if (layer % config.crossAttentionEvery === 0) {
      x = attend(g, { from: x, to: image, tokens: "tokens", width: config.vision }, w.at("crossattention"), config);
    }
    x = feedForward(g, x, w.at("intermediate_query"), w.at("output_query"), config); // queries have their own; text has another
  }

  g.output("query_output", g.reshape(x, ["batch", queries, hidden]));
  return g.finish();
}

/** Queries attend to themselves or to the image: norm(x + attention(x)). [rows, hidden] → [rows, hidden] */
function attend(
  g: GraphBuilder,
  { from, to, tokens, width }: { from: Value; to: Value; tokens: number | string; width: number },
  w: Weights,
  config: QFormerConfig,
): Value {
  const { hidden, heads, queries, epsilon } = config;
  const keys = { batch: "batch", tokens, heads };
  const scale = g.scalar((hidden / heads) ** -0.5);

  const query = linear(g, from, w.at("attention.query"), { from: hidden, to: hidden });
  const q = splitHeads(g, g.multiply(query, scale), { batch: "batch", tokens: queries, heads });
  const k = splitHeads(g, linear(g, to, w.at("attention.key"), { from: width, to: hidden }), keys);
  const v = splitHeads(g, linear(g, to, w.at("attention.value"), { from: width, to: hidden }), keys);
  const mixed = mergeHeads(g, attention(g, q, k, v)); // [rows, hidden]
  const out = linear(g, mixed, w.at("output.dense"), { from: hidden, to: hidden });
  return layerNorm(g, g.add(out, from), w.at("output.LayerNorm"), hidden, epsilon);
}

function feedForward(g: GraphBuilder, x: Value, up: Weights, down: Weights, config: QFormerConfig): Value {
  const { hidden, mlp, epsilon } = config;
  const inner = g.gelu(linear(g, x, up.at("dense"), { from: hidden, to: mlp }));
  const out = linear(g, inner, down.at("dense"), { from: mlp, to: hidden });
  return layerNorm(g, g.add(out, x), down.at("LayerNorm"), hidden, epsilon);
}
