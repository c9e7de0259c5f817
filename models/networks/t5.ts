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
import { attention, attentionOverJoined, attentionOverPlaces, headByHead, linear, rmsNorm } from "../graph/layers.ts";
import { mergeHeads, splitHeads } from "../graph/layers.ts";
import { linears } from "../graph/joined-products.ts";
import type { Attend, HeadAxes, Projected } from "../graph/layers.ts";
import type { T5Config } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { pastInputs } from "./cache-rows.ts";
import type { CacheLayout } from "./cache-rows.ts";
import type { Graph, Value } from "../graph/graph.ts";

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
  const axes = { batch: "batch", tokens: "tokens", heads: config.heads };
  let x = g.reshape(embeddings, ["rows", width]);
  for (let layer = 0; layer < config.encoderLayers; layer += 1) {
    const w = encoder.at(`block.${layer}`);
    x = residual(g, x, w.at("layer.0"), config, (normed, box) => {
      const own = box.at("SelfAttention");
      const attended = headByHead(g, projected(g, normed, own, config), axes, (q, { keys, values }) =>
        attention(g, q, keys, values, bias),
      );
      return out(g, attended, own, config);
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
  const axes = { batch: "batch", tokens: "source", heads: config.heads };
  const x = g.reshape(hidden, ["rows", config.width]);
  for (let layer = 0; layer < config.decoderLayers; layer += 1) {
    const w = weights.at(`decoder.block.${layer}.layer.1.EncDecAttention`);
    for (const [name, part] of [
      ["keys", "k"],
      ["values", "v"],
    ] as const) {
      g.output(`${name}.${layer}`, splitHeads(g, project(g, x, w.at(part), config), axes));
    }
  }
  return g.finish();
}

/**
 * `cache`: whether keys and values lie place by place and a run gives the new ones only, or, to stay on a device, sequence by
 * sequence, those before and the new ones joined. Those of the source lie sequence by sequence.
 */
export function t5Decoder(weights: Weights, config: T5Config, cache: CacheLayout = "places"): Graph {
  const { width, heads, keyWidth } = config;
  const g = new GraphBuilder("decoder");
  const embeddings = g.input("embeddings", ["batch", "tokens", width]);
  const mask = g.input("mask", ["batch", 1, "tokens", "keys"]); // 0 where seen, lowest float where not
  const buckets = g.input("buckets", ["batch", "tokens", "keys"], "int32"); // of each token and key
  const sourceMask = g.input("source_mask", ["batch", 1, 1, "source"]);
  const type = weights.activations("language");
  const past = pastInputs(g, cache, { layers: config.decoderLayers, heads, head: keyWidth, type });
  const read = (name: string): readonly Value[] =>
    Array.from({ length: config.decoderLayers }, (_, layer) =>
      g.input(`${name}.${layer}`, ["batch", heads, "source", keyWidth], type),
    );
  const source = { keys: read("source_keys"), values: read("source_values"), mask: sourceMask };

  const distances = g.gather(t5DecoderBiases(g, weights, config), buckets); // [batch, tokens, keys, heads]
  const bias = g.add(g.transpose(distances, [0, 3, 1, 2]), mask); // [batch, heads, tokens, keys]
  const tokensFirst = cache === "places";
  const axes = { batch: "batch", tokens: "tokens", heads, tokensFirst };
  const x = t5DecoderLayers(g, weights, config, {
    source,
    axes,
    embeddings: tokensFirst ? g.transpose(embeddings, [1, 0, 2]) : embeddings,
    attend: (layer, projected) => {
      const given = { mask: bias, layer };
      if (tokensFirst) return attentionOverPlaces(g, projected, past[layer]!, given);
      return headByHead(g, projected, axes, (q, recent) =>
        attentionOverJoined(g, q, past[layer]!, { ...recent, axis: "tokens" }, given),
      );
    },
  });

  if (tokensFirst) g.output("hidden", g.transpose(g.reshape(x, ["tokens", "batch", width]), [1, 0, 2]));
  else g.output("hidden", g.reshape(x, ["batch", "tokens", width]));
  return g.finish();
}

/**
 * Embeddings through all layers of the decoder → [rows, width]; how rows lie is in `axes`. `attend` is self-attention over
 * what came before and the new tokens themselves; `source`, by layer, what the encoder read.
 */
export function t5DecoderLayers(
  g: GraphBuilder,
  weights: Weights,
  config: T5Config,
  given: {
    readonly embeddings: Value;
    readonly axes: HeadAxes;
    readonly source: { readonly keys: readonly Value[]; readonly values: readonly Value[]; readonly mask: Value };
    readonly attend: Attend;
  },
): Value {
  const { width, epsilon } = config;
  const { source, axes } = given;
  const decoder = weights.at("decoder");
  let x = g.reshape(given.embeddings, ["rows", width]);
  for (let layer = 0; layer < config.decoderLayers; layer += 1) {
    const w = decoder.at(`block.${layer}`);
    x = residual(g, x, w.at("layer.0"), config, (normed, box) => {
      const own = box.at("SelfAttention");
      return out(g, given.attend(layer, projected(g, normed, own, config)), own, config);
    });
    x = residual(g, x, w.at("layer.1"), config, (normed, box) => {
      const cross = box.at("EncDecAttention");
      const q = splitHeads(g, project(g, normed, cross.at("q"), config), axes);
      const mixed = attention(g, q, source.keys[layer]!, source.values[layer]!, source.mask);
      return out(g, mergeHeads(g, mixed, axes), cross, config);
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

/** Queries, keys or values; T5 does not scale queries. [rows, width] → [rows, heads · keyWidth] */
function project(g: GraphBuilder, x: Value, w: Weights, { width, heads, keyWidth }: T5Config): Value {
  return linear(g, x, w, { from: width, to: heads * keyWidth, bias: false });
}

function projected(g: GraphBuilder, x: Value, own: Weights, config: T5Config): Projected {
  const { width, heads, keyWidth } = config;
  const parts = ["q", "k", "v"].map((name) => own.at(name));
  const [q, keys, values] = linears(g, x, parts, { from: width, to: heads * keyWidth, bias: false });
  return { q: q!, keys: keys!, values: values! };
}

/** What the heads have seen, mixed. [rows, heads · keyWidth] → [rows, width] */
function out(g: GraphBuilder, seen: Value, w: Weights, { width, heads, keyWidth }: T5Config): Value {
  return linear(g, seen, w.at("o"), { from: heads * keyWidth, to: width, bias: false });
}

/**
 * wo(activation(wi_0 x) · wi_1 x), or wo(activation(wi x)) in T5 1.0. Two numbers of fp16 make a product beyond it, so what wo
 * multiplies is fp32. [rows, width] → [rows, width]
 */
function feedForward(g: GraphBuilder, x: Value, box: Weights, config: T5Config): Value {
  const { width, mlp, gated } = config;
  const w = box.at("DenseReluDense");
  const up = { from: width, to: mlp, bias: false };
  const names = gated ? ["wi_0", "wi_1"] : ["wi"];
  const [first, gate] = linears(
    g,
    x,
    names.map((name) => w.at(name)),
    up,
  );
  const inner = g.cast(activate(g, first!, config), "float32");
  const kept = gate === undefined ? inner : g.multiply(inner, g.cast(gate, "float32"));
  return linear(g, kept, w.at("wo"), { from: mlp, to: width, bias: false });
}

function activate(g: GraphBuilder, x: Value, { activation }: T5Config): Value {
  if (activation === "relu") return g.relu(x);
  return g.gelu(x, activation === "gelu" ? "none" : "tanh");
}
