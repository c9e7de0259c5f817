/**
 * The Q-Former writes: image-grounded text generation (ITG), the third objective of BLIP-2's first stage. Section 3.1 and
 * figure 2 (right); LAVIS blip2_qformer.py:277-338.
 *
 *   image tokens ─► queries, as in q-former.ts, which see each other only ─► their keys and values, layer by layer
 *                                                                            ▼
 *   words ─► + positions ─► norm ─► [ self-attention ─► feed-forward (text's) ] × layers ─► dense ─► gelu ─► norm ─► logits
 *                                      ▲ queries, and the words before
 *
 *   batch    sequences                hidden  768   width in here
 *   tokens   new words, of each       heads   12    of 64 each
 *   past     places in the KV cache   queries 32    in the first of them
 *   keys     past + tokens
 *
 * A word sees all queries, itself and the words before it, never the image; queries see no word. So what the queries give is
 * computed once an image, and a word is a step of an ordinary decoder.
 */
import { layerNorm, linear, mergeHeads } from "../graph/layers.ts";
import type { Attend } from "../graph/layers.ts";
import type { QFormerConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Value } from "../graph/graph.ts";
import type { CacheLayout } from "./cache-rows.ts";
import { cachedDecoder } from "./cached-decoder.ts";
import { attended, feedForward } from "./q-former-layers.ts";
import { queryLayers } from "./q-former.ts";

/** Where the head's own weights lie, by the names that LAVIS has for them (Qformer.py:607-642). */
export const TEXT_HEAD_PATH = "qformer.cls.predictions";

/** Numbers of a query that words see: its keys and values in every layer. */
export function keyWidth({ layers, hidden }: QFormerConfig): number {
  return 2 * layers * hidden;
}

/**
 * `weights` is the whole checkpoint's, here and below. image_tokens [batch, tokens, vision] → soft_prompt
 * [batch, queries, 2 · layers · hidden]: of each query the keys of layer 0, its values, the keys of layer 1, …
 */
export function writerKeys(weights: Weights, config: QFormerConfig): Graph {
  const g = new GraphBuilder("q-former-keys");
  const parts: Value[] = [];
  queryLayers(g, weights, config, ({ keys, values }) => parts.push(mergeHeads(g, keys), mergeHeads(g, values)));
  const all = g.concat(parts, 1, keyWidth(config)); // [rows, 2 · layers · hidden]
  g.output("soft_prompt", g.reshape(all, ["batch", config.queries, keyWidth(config)]));
  return g.finish();
}

/** tokens [tokens] → embeddings [tokens, hidden] */
export function writerEmbedding(weights: Weights, { vocabulary, hidden }: QFormerConfig): Graph {
  const g = new GraphBuilder("embedding");
  const tokens = g.input("tokens", ["tokens"], "int64");
  const table = g.weight(weights.tensor("embeddings.word_embeddings.weight", [vocabulary, hidden]));
  g.output("embeddings", g.gather(table, tokens));
  return g.finish();
}

/** `cache`: where keys and values of past tokens lie, see cached-decoder.ts. Positions are of words alone. */
export function writerDecoder(weights: Weights, config: QFormerConfig, cache: CacheLayout = "places"): Graph {
  const { hidden, heads, layers } = config;
  const size = { layers, heads, head: hidden / heads, type: weights.activations("q-former"), width: hidden };
  return cachedDecoder(cache, size, (g, given) => writerLayers(g, weights, config, given));
}

/** Embeddings [batch, tokens, hidden], or [tokens, batch, hidden] with positions that lie so, too → [rows, hidden] */
export function writerLayers(
  g: GraphBuilder,
  weights: Weights,
  config: QFormerConfig,
  given: { readonly embeddings: Value; readonly positions: Value; readonly attend: Attend },
): Value {
  const { hidden, heads, layers, maxPositions, epsilon } = config;
  const size = { from: hidden, to: hidden };
  const table = g.weight(weights.tensor("embeddings.position_embeddings.weight", [maxPositions, hidden]));
  const places = g.reshape(g.gather(table, given.positions), ["rows", hidden]);
  let x = g.add(g.reshape(given.embeddings, ["rows", hidden]), places);
  x = layerNorm(g, x, weights.at("qformer.layernorm"), hidden, epsilon);
  const scale = g.scalar((hidden / heads) ** -0.5);
  for (let layer = 0; layer < layers; layer += 1) {
    const w = weights.at(`qformer.encoder.layer.${layer}`);
    const self = w.at("attention");
    const q = g.multiply(linear(g, x, self.at("attention.query"), size), scale);
    const keys = linear(g, x, self.at("attention.key"), size);
    const values = linear(g, x, self.at("attention.value"), size);
    x = attended(g, x, given.attend(layer, { q, keys, values }), self, config);
    x = feedForward(g, x, w.at("intermediate"), w.at("output"), config);
  }
  const transform = weights.at(`${TEXT_HEAD_PATH}.transform`);
  return layerNorm(g, g.gelu(linear(g, x, transform.at("dense"), size)), transform.at("LayerNorm"), hidden, epsilon);
}
