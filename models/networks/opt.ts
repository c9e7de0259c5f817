/**
 * OPT: the decoder-only language model. Zhang et al. 2022, arXiv 2205.01068; in BLIP-2, section 3.2 and figure 3 (top).
 *
 *   embeddings ─► + positions ─► [ norm ─► self-attention ─► + ─► norm ─► feed-forward ─► + ] × layers ─► norm ─► logits
 *                                            ▲ keys and values of past tokens
 *
 *   batch   sequences               hidden  2560   width of the layers
 *   tokens  new ones, of each       word    2560   width of the embeddings (word_embed_proj_dim)
 *   past    places in the KV cache  heads   32     of 80 each
 *   keys    past + tokens           mlp     10240
 *
 * Three graphs: `embedding` looks words up, `decoder` runs the layers, `head` scores the vocabulary. The decoder takes
 * any set of new tokens: a prompt, one token of each beam, several questions about an image. Which key a token sees is
 * the caller's mask, and its place in the text the caller's position, so beams of one sequence share one cache.
 */
import { layerNorm, linear } from "../graph/layers.ts";
import type { Attend, Projected } from "../graph/layers.ts";
import { linears } from "../graph/joined-products.ts";
import type { OptConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { cachedDecoder } from "./cached-decoder.ts";
import type { CacheLayout } from "./cache-rows.ts";
import type { Graph, Value } from "../graph/graph.ts";

/** OPT's position table begins with two rows for padding (OPTLearnedPositionalEmbedding, modeling_opt.py:46). */
const POSITION_OFFSET = 2;
/** torch.nn.LayerNorm's default, which OPT leaves alone. */
const EPSILON = 1e-5;

/** `weights` here and below begins at language_model.model.decoder. tokens [tokens] → embeddings [tokens, word] */
export function optEmbedding(weights: Weights, config: OptConfig): Graph {
  const g = new GraphBuilder("embedding");
  const tokens = g.input("tokens", ["tokens"], "int64");
  const table = g.weight(weights.tensor("embed_tokens.weight", [config.vocabulary, config.wordWidth]));
  g.output("embeddings", g.cast(g.gather(table, tokens), "float32"));
  return g.finish();
}

/** `cache`: where keys and values of past tokens lie, see cached-decoder.ts. */
export function optDecoder(weights: Weights, config: OptConfig, cache: CacheLayout = "places"): Graph {
  const { hidden, heads, layers, wordWidth } = config;
  const size = { layers, heads, head: hidden / heads, type: weights.activations("language"), width: wordWidth };
  return cachedDecoder(cache, size, (g, given) => optLayers(g, weights, config, given));
}

/**
 * Embeddings [batch, tokens, word] through all layers → [rows, word], fp32; rows may as well lie [tokens, batch, word], with
 * positions that do. `attend` is how new tokens look at what came before and at each other.
 */
export function optLayers(
  g: GraphBuilder,
  weights: Weights,
  config: OptConfig,
  given: { readonly embeddings: Value; readonly positions: Value; readonly attend: Attend },
): Value {
  const { hidden, wordWidth, maxPositions } = config;
  const type = weights.activations("language");
  let x = g.cast(g.reshape(given.embeddings, ["rows", wordWidth]), type);
  if (wordWidth !== hidden) x = linear(g, x, weights.at("project_in"), { from: wordWidth, to: hidden, bias: false });
  const table = weights.tensor("embed_positions.weight", [maxPositions + POSITION_OFFSET, hidden]);
  const places = g.gather(
    g.weight(table, table.shape, { from: POSITION_OFFSET, count: maxPositions }),
    given.positions,
  );
  x = g.add(x, g.reshape(places, ["rows", hidden]));

  for (let layer = 0; layer < config.layers; layer += 1) {
    const w = weights.at(`layers.${layer}`);
    const attended = residual(g, x, w.at("self_attn_layer_norm"), config, (normed) =>
      selfAttention(g, normed, w.at("self_attn"), config, (projected) => given.attend(layer, projected)),
    );
    x = residual(g, attended, w.at("final_layer_norm"), config, (normed) => feedForward(g, normed, w, config));
  }
  if (config.finalNorm) x = norm(g, x, weights.at("final_layer_norm"), config);
  if (wordWidth !== hidden) x = linear(g, x, weights.at("project_out"), { from: hidden, to: wordWidth, bias: false });
  return g.cast(x, "float32");
}

/** x + box(norm(x)), or norm(x + box(x)) in the one OPT (350m) that normalises after. */
function residual(g: GraphBuilder, x: Value, w: Weights, config: OptConfig, box: (x: Value) => Value): Value {
  if (config.normBefore) return g.add(x, box(norm(g, x, w, config)));
  return norm(g, g.add(x, box(x)), w, config);
}

/** [rows, hidden] → [rows, hidden] */
function selfAttention(
  g: GraphBuilder,
  x: Value,
  w: Weights,
  { hidden, heads, bias }: OptConfig,
  attend: (projected: Projected) => Value,
): Value {
  const size = { from: hidden, to: hidden, bias };

  const scale = g.scalar((hidden / heads) ** -0.5, w.activations("language"));
  const projections = ["q_proj", "k_proj", "v_proj"].map((name) => w.at(name));
  const [queries, keys, values] = linears(g, x, projections, size);
  const q = g.multiply(queries!, scale);
  return linear(g, attend({ q, keys: keys!, values: values! }), w.at("out_proj"), size);
}

function feedForward(g: GraphBuilder, x: Value, w: Weights, { hidden, mlp, bias, activation }: OptConfig): Value {
  const inner = linear(g, x, w.at("fc1"), { from: hidden, to: mlp, bias });
  return linear(g, activation === "relu" ? g.relu(inner) : g.gelu(inner), w.at("fc2"), { from: mlp, to: hidden, bias });
}

function norm(g: GraphBuilder, x: Value, w: Weights, config: OptConfig): Value {
  if (config.normAffine) return layerNorm(g, x, w, config.hidden, EPSILON);
  return g.layerNormalization(
    x,
    g.vector(new Array<number>(config.hidden).fill(1), w.activations("language")),
    null,
    EPSILON,
  );
}
