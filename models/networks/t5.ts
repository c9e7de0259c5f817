/**
 * T5: encoder and decoder with relative positions. Raffel et al. 2020, arXiv 1910.10683; in BLIP-2, section 3.2 and
 * figure 3 (bottom), as Flan-T5.
 *
 *   encoder  embeddings ─► [ self-attention ─► feed-forward ] × layers ─► norm,   each box: x = x + box(norm(x))
 *   decoder  embeddings ─► [ self-attention ─► cross-attention ─► feed-forward ] × layers ─► norm ─► logits
 *                            ▲ past tokens     ▲ source tokens, from the encoder
 *
 *   batch   sequences                    width  2048  of the layers
 *   tokens  new ones, of each            heads  32    of keyWidth 64 each; together they need not be the width
 *   past    places in the KV cache       mlp    5120
 *   keys    past + tokens                buckets  32  of distances, each with a learned bias a head
 *   source  what the encoder read
 *
 * Four graphs: `embedding` looks words up, `encoder` reads the soft prompt and the prompt, `cross-attention` makes keys and
 * values of what it read for every layer of `decoder`, once a question. The decoder takes any set of new tokens, as OPT's:
 * which key a token sees is the caller's mask, how far away it stands the caller's bucket.
 */
import {
  attention,
  attentionOverCache,
  attentionOverJoined,
  linear,
  mergeHeads,
  rmsNorm,
  splitHeads,
} from "../graph/layers.ts";
import type { Attend } from "../graph/layers.ts";
import type { T5Config } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Value } from "../graph/graph-writer.ts";

/** `weights` here and below begins at language_model. tokens [tokens] → embeddings [tokens, width] */
export function t5Embedding(weights: Weights, config: T5Config): Graph {
  const g = new GraphBuilder("embedding");
  const tokens = g.input("tokens", ["tokens"], "int64");
  const table = g.weight(weights.tensor("shared.weight", [config.vocabulary, config.width]));
  g.output("embeddings", g.cast(g.gather(table, tokens), "float32"));
  return g.finish();
}

export function t5Encoder(weights: Weights, config: T5Config): Graph {
  const { width, epsilon } = config;
  const encoder = weights.at("encoder");
  const g = new GraphBuilder("encoder");
  const embeddings = g.input("embeddings", ["batch", "tokens", width]); // queries, then prompt
  const mask = g.input("mask", ["batch", 1, 1, "tokens"]); // 0 where a token is, lowest float where filling
  const buckets = g.input("buckets", ["tokens", "tokens"], "int32"); // of each token and key

  const distances = g.gather(biasTable(g, encoder, config), buckets); // [tokens, tokens, heads]
  const bias = g.add(g.transpose(distances, [2, 0, 1]), mask); // [batch, heads, tokens, tokens]
  let x = g.reshape(embeddings, ["rows", width]);
  for (let layer = 0; layer < config.encoderLayers; layer += 1) {
    const w = encoder.at(`block.${layer}`);
    x = residual(g, x, w.at("layer.0"), config, (normed, box) => {
      const own = box.at("SelfAttention");
      const [q, k, v] = ["q", "k", "v"].map((part) => project(g, normed, own.at(part), "tokens", config));
      return mix(g, attention(g, q!, k!, v!, bias), own, config);
    });
    x = residual(g, x, w.at("layer.1"), config, (normed, box) => feedForward(g, normed, box, config));
  }
  x = rmsNorm(g, x, encoder.at("final_layer_norm"), width, epsilon);

  g.output("hidden", g.reshape(x, ["batch", "tokens", width]));
  return g.finish();
}

/** The encoder's hidden states → keys and values of every decoder layer, [batch, heads, source, keyWidth] */
export function t5CrossAttention(weights: Weights, config: T5Config): Graph {
  const g = new GraphBuilder("cross-attention");
  const hidden = g.input("hidden", ["batch", "source", config.width]);
  const x = g.reshape(hidden, ["rows", config.width]);
  for (let layer = 0; layer < config.decoderLayers; layer += 1) {
    const w = weights.at(`decoder.block.${layer}.layer.1.EncDecAttention`);
    g.output(`keys.${layer}`, project(g, x, w.at("k"), "source", config));
    g.output(`values.${layer}`, project(g, x, w.at("v"), "source", config));
  }
  return g.finish();
}

/** `cache`: whether a run gives the new keys and values only, or, to stay on a device, those before and the new ones joined. */
export function t5Decoder(weights: Weights, config: T5Config, cache: "new" | "joined" = "new"): Graph {
  const { width, heads, keyWidth } = config;
  const g = new GraphBuilder("decoder");
  const embeddings = g.input("embeddings", ["batch", "tokens", width]);
  const mask = g.input("mask", ["batch", 1, "tokens", "keys"]); // 0 where seen, lowest float where not
  const buckets = g.input("buckets", ["batch", "tokens", "keys"], "int32"); // of each token and key
  const sourceMask = g.input("source_mask", ["batch", 1, 1, "source"]);
  const cached = (name: string, axis: string): readonly Value[] =>
    Array.from({ length: config.decoderLayers }, (_, layer) =>
      g.input(`${name}.${layer}`, ["batch", heads, axis, keyWidth], weights.activations("language")),
    );
  const past = { keys: cached("past_keys", "past"), values: cached("past_values", "past") };
  const source = { keys: cached("source_keys", "source"), values: cached("source_values", "source") };

  const distances = g.gather(t5DecoderBiases(g, weights, config), buckets); // [batch, tokens, keys, heads]
  const bias = g.add(g.transpose(distances, [0, 3, 1, 2]), mask); // [batch, heads, tokens, keys]
  const x = t5DecoderLayers(g, weights, config, {
    embeddings,
    source: { ...source, mask: sourceMask },
    attend: (layer, q, made) => {
      const recent = { ...made, axis: "tokens" };
      const before = { keys: past.keys[layer]!, values: past.values[layer]!, axis: "past" };
      if (cache === "joined") return attentionOverJoined(g, q, before, recent, { mask: bias, layer });
      g.output(`keys.${layer}`, recent.keys); // [batch, heads, tokens, keyWidth]
      g.output(`values.${layer}`, recent.values);
      return attentionOverCache(g, q, before, recent, bias);
    },
  });

  g.output("hidden", g.reshape(x, ["batch", "tokens", width]));
  return g.finish();
}

/**
 * Embeddings [batch, tokens, width] through all layers of the decoder → [rows, width]. `attend` is self-attention over
 * what came before and the new tokens' own keys and values; `source`, by layer, what the encoder read.
 */
export function t5DecoderLayers(
  g: GraphBuilder,
  weights: Weights,
  config: T5Config,
  given: {
    readonly embeddings: Value;
    readonly source: { readonly keys: readonly Value[]; readonly values: readonly Value[]; readonly mask: Value };
    readonly attend: Attend;
  },
): Value {
  const { width, epsilon } = config;
  const { source } = given;
  const decoder = weights.at("decoder");
  let x = g.reshape(given.embeddings, ["rows", width]);
  for (let layer = 0; layer < config.decoderLayers; layer += 1) {
    const w = decoder.at(`block.${layer}`);
    x = residual(g, x, w.at("layer.0"), config, (normed, box) => {
      const own = box.at("SelfAttention");
      const [q, keys, values] = ["q", "k", "v"].map((part) => project(g, normed, own.at(part), "tokens", config));
      return mix(g, given.attend(layer, q!, { keys: keys!, values: values! }), own, config);
    });
    x = residual(g, x, w.at("layer.1"), config, (normed, box) => {
      const cross = box.at("EncDecAttention");
      const q = project(g, normed, cross.at("q"), "tokens", config);
      return mix(g, attention(g, q, source.keys[layer]!, source.values[layer]!, source.mask), cross, config);
    });
    x = residual(g, x, w.at("layer.2"), config, (normed, box) => feedForward(g, normed, box, config));
  }
  return rmsNorm(g, x, decoder.at("final_layer_norm"), width, epsilon);
}

/** The decoder's biases of distances: [buckets, heads] */
export function t5DecoderBiases(g: GraphBuilder, weights: Weights, config: T5Config): Value {
  return biasTable(g, weights.at("decoder"), config);
}

/** Block 0's biases of distances, which every block of its side uses: [buckets, heads] */
function biasTable(g: GraphBuilder, side: Weights, { buckets, heads }: T5Config): Value {
  return g.weight(side.tensor("block.0.layer.0.SelfAttention.relative_attention_bias.weight", [buckets, heads]));
}

/**
 * x + box(norm(x)); `w` is the box's and holds the norm. x stays fp32 whatever the box computes in: it grows beyond fp16's
 * numbers, which the reference cuts off there (T5LayerFF.forward, modeling_t5.py).
 */
function residual(
  g: GraphBuilder,
  x: Value,
  w: Weights,
  { width, epsilon }: T5Config,
  box: (normed: Value, w: Weights) => Value,
): Value {
  const normed = g.cast(rmsNorm(g, x, w.at("layer_norm"), width, epsilon), w.activations("language"));
  return g.add(x, g.cast(box(normed, w), "float32"));
}

/** Queries, keys or values of each head; T5 does not scale queries. [rows, width] → [batch, heads, tokens, keyWidth] */
function project(g: GraphBuilder, x: Value, w: Weights, tokens: string, { width, heads, keyWidth }: T5Config): Value {
  const size = { from: width, to: heads * keyWidth, bias: false };
  return splitHeads(g, linear(g, x, w, size), { batch: "batch", tokens, heads });
}

/** What the heads have seen, joined. [batch, heads, tokens, keyWidth] → [rows, width] */
function mix(g: GraphBuilder, seen: Value, w: Weights, { width, heads, keyWidth }: T5Config): Value {
  return linear(g, mergeHeads(g, seen), w.at("o"), { from: heads * keyWidth, to: width, bias: false });
}

/**
 * wo(activation(wi_0 x) · wi_1 x), or wo(activation(wi x)) in T5 1.0. Two numbers of fp16 make a product beyond it, so what wo
 * multiplies is fp32. [rows, width] → [rows, width]
 */
function feedForward(g: GraphBuilder, x: Value, box: Weights, config: T5Config): Value {
  const { width, mlp, gated } = config;
  const w = box.at("DenseReluDense");
  const up = { from: width, to: mlp, bias: false };
  const part = (name: string): Value => linear(g, x, w.at(name), up);
  const inner = g.cast(activate(g, part(gated ? "wi_0" : "wi"), config), "float32");
  const kept = gated ? g.multiply(inner, g.cast(part("wi_1"), "float32")) : inner;
  return linear(g, kept, w.at("wo"), { from: mlp, to: width, bias: false });
}

function activate(g: GraphBuilder, x: Value, { activation }: T5Config): Value {
  if (activation === "relu") return g.relu(x);
  return g.gelu(x, activation === "gelu" ? "none" : "tanh");
}
