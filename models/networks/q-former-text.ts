/**
 * Q-Former on text: for image-text contrast (ITC) it reads the text alone, for image-text matching (ITM) text and queries
 * together, while the queries read the image. BLIP-2, section 3.1 and figure 2.
 *
 *   ITC   text ─► norm ─► [ self-attention ─► feed-forward ] × layers ─► [CLS] ─► text embedding
 *
 *   ITM   queries ─► norm ┐                    ┌─► cross-attention ─► feed-forward (queries')
 *                         ├─► [ self-attention ┤   (every second layer) ▲ image's keys and values      ] × layers
 *   text    ─► norm ──────┘                    └─► feed-forward (text's)
 *
 *   pairs    texts, all with one image     words  12   tokens of a text, [CLS] and [SEP] included, filled up
 *   queries  32                            all    44   queries and words
 *   hidden   768                           tokens 257  of the image
 *
 * The image's keys and values are a graph of their own: they are computed once an image, and one copy serves all its pairs.
 */
import { flattenRows, layerNorm, linear } from "../graph/layers.ts";
import type { QFormerConfig, RetrievalConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { attend, feedForward, keysAndValues } from "./q-former-layers.ts";
import { embedding } from "./retrieval-heads.ts";

/** `weights` is the whole checkpoint's, here and below. → text_embedding [texts, width]; text_output [texts, words, hidden] */
export function qFormerText(weights: Weights, { qFormer: config, imageTextHidden: width }: RetrievalConfig): Graph {
  const { hidden, layers } = config;
  const g = new GraphBuilder("q-former-text");
  const mask = g.input("mask", ["texts", 1, 1, "words"]); // 0 where a token is, lowest float where filling
  const axes = { ...config, batch: "texts", tokens: "words" };

  let x = embedText(g, weights, config, "texts"); // [rows, hidden]
  for (let layer = 0; layer < layers; layer += 1) {
    const w = weights.at(`qformer.encoder.layer.${layer}`);
    const self = w.at("attention");
    x = attend(g, x, { ...keysAndValues(g, x, self, { ...axes, width: hidden }), mask }, self, axes);
    x = feedForward(g, x, w.at("intermediate"), w.at("output"), config);
  }

  const output = g.reshape(x, ["texts", "words", hidden]);
  g.output("text_output", output);
  const first = g.reshape(g.slice(output, 1, 0, 1, 1), ["texts", hidden]); // [CLS]
  g.output("text_embedding", embedding(g, first, weights.at("text_projection"), { from: hidden, to: width }));
  return g.finish();
}

/** Layers in which queries read the image. */
export function crossAttentionLayers({ layers, crossAttentionEvery }: QFormerConfig): readonly number[] {
  return Array.from({ length: layers }, (_, layer) => layer).filter((layer) => layer % crossAttentionEvery === 0);
}

/** What these layers read of an image. */
export function imageKeyNames(config: QFormerConfig): readonly string[] {
  return crossAttentionLayers(config).flatMap((layer) => [`keys.${layer}`, `values.${layer}`]);
}

/** image_tokens [1, tokens, vision] → for each of those layers keys.N and values.N, [1, heads, tokens, head] */
export function qFormerImageKeys(weights: Weights, config: QFormerConfig): Graph {
  const g = new GraphBuilder("q-former-image-keys");
  const image = g.input("image_tokens", [1, "tokens", config.vision]);
  const axes = { ...config, batch: 1, tokens: "tokens", width: config.vision };
  for (const layer of crossAttentionLayers(config)) {
    const w = weights.at(`qformer.encoder.layer.${layer}.crossattention`);
    const { keys, values } = keysAndValues(g, image, w, axes);
    g.output(`keys.${layer}`, keys);
    g.output(`values.${layer}`, values);
  }
  return g.finish();
}

/**
 * Texts with one image → matching [pairs, 2]: logits of "does not match" and "matches", the head's mean over queries;
 * query_output [pairs, queries, hidden].
 */
export function qFormerMatching(weights: Weights, config: QFormerConfig): Graph {
  const { queries, hidden, layers, heads, epsilon } = config;
  const g = new GraphBuilder("q-former-matching");
  const mask = g.input("mask", ["pairs", 1, 1, "all"]); // 0 where a query or a token is, lowest float where filling
  const both = { ...config, batch: "pairs", tokens: "all" };
  const queryAxes = { ...config, batch: "pairs", tokens: queries };
  // Queries of all pairs are rows that read one image, so a pair more costs no copy of the image's keys and values.
  const oneImage = { ...config, batch: 1, tokens: "rows" };

  let text = embedText(g, weights, config, "pairs"); // [rows, hidden]
  const learned = g.weight(weights.tensor("query_tokens", [1, queries, hidden]));
  const normed = layerNorm(g, learned, weights.at("qformer.layernorm"), hidden, epsilon);
  let x = flattenRows(g, g.expand(normed, ["pairs", queries, hidden]), hidden); // [rows, hidden]
  for (let layer = 0; layer < layers; layer += 1) {
    const w = weights.at(`qformer.encoder.layer.${layer}`);
    const isLast = layer === layers - 1; // nobody reads the text it would make
    const self = w.at("attention");
    const all = join(g, x, text, queryAxes); // [rows, hidden]
    const seen = { ...keysAndValues(g, all, self, { ...both, width: hidden }), mask };
    if (isLast) x = attend(g, x, seen, self, queryAxes);
    else [x, text] = part(g, attend(g, all, seen, self, both), queryAxes);
    if (layer % config.crossAttentionEvery === 0) {
      const imageKeys = (name: string): Value => g.input(`${name}.${layer}`, [1, heads, "tokens", hidden / heads]);
      const image = { keys: imageKeys("keys"), values: imageKeys("values") };
      x = attend(g, x, image, w.at("crossattention"), oneImage);
    }
    x = feedForward(g, x, w.at("intermediate_query"), w.at("output_query"), config);
    if (!isLast) text = feedForward(g, text, w.at("intermediate"), w.at("output"), config);
  }

  g.output("query_output", g.reshape(x, ["pairs", queries, hidden]));
  const matching = g.cast(linear(g, x, weights.at("itm_head"), { from: hidden, to: 2 }), "float32");
  const logits = g.reshape(matching, ["pairs", queries, 2]);
  g.output("matching", g.reshape(g.mean(g.transpose(logits, [0, 2, 1])), ["pairs", 2]));
  return g.finish();
}

/** Words and their places, from 0 at [CLS]; no token types. The norm is the one queries go through. → [rows, hidden] */
function embedText(g: GraphBuilder, weights: Weights, config: QFormerConfig, batch: string): Value {
  const { vocabulary, maxPositions, hidden, epsilon } = config;
  const tokens = g.input("tokens", [batch, "words"], "int64");
  const positions = g.input("positions", ["words"], "int64");
  const w = weights.at("embeddings");
  const word = g.gather(g.weight(w.tensor("word_embeddings.weight", [vocabulary, hidden])), tokens);
  const place = g.gather(g.weight(w.tensor("position_embeddings.weight", [maxPositions, hidden])), positions);
  const x = flattenRows(g, g.add(word, place), hidden);
  return layerNorm(g, x, weights.at("qformer.layernorm"), hidden, epsilon);
}

/** Rows of queries and rows of text → each pair's queries with its text behind them, [rows, hidden] */
function join(g: GraphBuilder, x: Value, text: Value, { queries, hidden }: QFormerConfig): Value {
  const parts = [g.reshape(x, ["pairs", queries, hidden]), g.reshape(text, ["pairs", "words", hidden])];
  return flattenRows(g, g.concat(parts, 1, "all"), hidden);
}

/** The opposite of join. */
function part(g: GraphBuilder, all: Value, { queries, hidden }: QFormerConfig): [x: Value, text: Value] {
  const [x, text] = g.split(g.reshape(all, ["pairs", "all", hidden]), 1, [queries, "words"]);
  return [flattenRows(g, x!, hidden), flattenRows(g, text!, hidden)];
}
