/**
 * The image encoder: a vision transformer, frozen in BLIP-2 (section 3.1: ViT-g/14 of EVA-CLIP, or ViT-L/14 of CLIP).
 *
 *   pixels ─► patches ─► + class token, positions ─► [ norm ─► self-attention ─► + ─► norm ─► MLP ─► + ] × layers ─► norm
 *                                                 ▲ CLIP: norm
 *
 *   batch   images               hidden  1408  width of a token
 *   tokens  257   patches + 1    heads   16    of 88 each
 *   patch   14    pixels a side  mlp     6144
 *
 * The sizes are ViT-g's. The last norm applies to every token, the class token included, and its output is what the Q-Former reads.
 */
import { attention, flattenRows, layerNorm, linear, matrixProduct, mergeHeads, splitHeads } from "../graph/layers.ts";
import type { VisionConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Value } from "../graph/graph.ts";

export function visionTransformer(weights: Weights, config: VisionConfig): Graph {
  const g = new GraphBuilder("vision");
  const pixels = g.input("pixels", ["batch", config.channels, config.imageSize, config.imageSize]);
  const type = weights.activations("vision");
  const tokens = (config.imageSize / config.patch) ** 2 + 1;

  let x = embedPatches(g, g.cast(pixels, type), weights.at("embeddings"), config); // [batch, tokens, hidden]
  x = flattenRows(g, x, config.hidden); // [rows, hidden]
  if (config.preLayerNorm) x = layerNorm(g, x, weights.at("pre_layernorm"), config.hidden, config.epsilon);
  for (let layer = 0; layer < config.layers; layer += 1) {
    const w = weights.at(`encoder.layers.${layer}`);
    x = g.add(x, selfAttention(g, layerNorm(g, x, w.at("layer_norm1"), config.hidden, config.epsilon), w, config));
    x = g.add(x, feedForward(g, layerNorm(g, x, w.at("layer_norm2"), config.hidden, config.epsilon), w, config));
  }
  x = layerNorm(g, x, weights.at("post_layernorm"), config.hidden, config.epsilon);

  g.output("image_tokens", g.reshape(g.cast(x, "float32"), ["batch", tokens, config.hidden]));
  return g.finish();
}

/** The convolution whose stride is its size, as a matrix product: [batch, channels, size, size] → [batch, tokens, hidden] */
function embedPatches(g: GraphBuilder, pixels: Value, w: Weights, config: VisionConfig): Value {
  const { channels, patch, hidden } = config;
  const grid = config.imageSize / patch;
  const patchPixels = channels * patch * patch;

  let x = g.reshape(pixels, ["batch", channels, grid, patch, grid, patch]);
  x = g.transpose(x, [0, 2, 4, 1, 3, 5]); // [batch, grid, grid, channels, patch, patch]
  const kernel = w.tensor("patch_embedding.weight", [hidden, channels, patch, patch]);
  const bias = config.patchBias ? g.weight(w.tensor("patch_embedding.bias", [hidden])) : null;
  x = g.gemm(g.reshape(x, ["rows", patchPixels]), g.weight(kernel, [hidden, patchPixels]), bias);
  x = g.reshape(x, ["batch", grid * grid, hidden]);

  const classToken = g.weight(w.tensor("class_embedding", [1, 1, hidden]));
  x = g.concat([g.expand(classToken, ["batch", 1, hidden]), x], 1, grid * grid + 1);
  return g.add(x, g.weight(w.tensor("position_embedding", [1, grid * grid + 1, hidden])));
}

/** One matrix makes queries, keys and values; its thirds are used apart, which spares splitting the product. */
function selfAttention(g: GraphBuilder, x: Value, w: Weights, config: VisionConfig): Value {
  const { hidden, heads } = config;
  const matrix = w.matrix("self_attn.qkv.weight", [3 * hidden, hidden]);
  const bias = config.qkvBias ? w.tensor("self_attn.qkv.bias", [3 * hidden]) : null;
  const project = (third: number): Value =>
    matrixProduct(g, x, { matrix, bias }, { from: third * hidden, count: hidden });
  const axes = { batch: "batch", tokens: (config.imageSize / config.patch) ** 2 + 1, heads };

  const scale = g.scalar((hidden / heads) ** -0.5, w.activations("vision"));
  const q = splitHeads(g, g.multiply(project(0), scale), axes);
  const k = splitHeads(g, project(1), axes);
  const v = splitHeads(g, project(2), axes);
  const mixed = mergeHeads(g, attention(g, q, k, v)); // [rows, hidden]
  return linear(g, mixed, w.at("self_attn.projection"), { from: hidden, to: hidden });
}

function feedForward(g: GraphBuilder, x: Value, w: Weights, config: VisionConfig): Value {
  const { hidden, mlp, activation } = config;
  const inner = linear(g, x, w.at("mlp.fc1"), { from: hidden, to: mlp });
  const active = activation === "gelu" ? g.gelu(inner) : quickGelu(g, inner, w);
  return linear(g, active, w.at("mlp.fc2"), { from: mlp, to: hidden });
}

/** x · sigmoid(1.702 x): CLIP's approximation of GELU (openai/CLIP, clip/model.py, QuickGELU). */
function quickGelu(g: GraphBuilder, x: Value, w: Weights): Value {
  return g.multiply(x, g.sigmoid(g.multiply(x, g.scalar(1.702, w.activations("vision")))));
}
