/**
 * The boxes of a Q-Former layer, each x = norm(x + box(x)), as in BERT. Rows of queries and rows of text pass through the same
 * attention, but each has a feed-forward of its own. BLIP-2, figure 2.
 *
 *   hidden  768  width in here      heads  12  of 64 each      mlp  3072
 */
import { linears } from "../graph/joined-products.ts";
import { attention, layerNorm, linear, mergeHeads, splitHeads } from "../graph/layers.ts";
import type { QFormerConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";
import type { Dimension } from "../graph/onnx.ts";

/** How the rows of a matrix [rows, width] fall into batches of tokens. */
export interface Axes {
  readonly batch: Dimension;
  readonly tokens: Dimension;
}

/** What is attended to: keys and values [batch, heads, tokens, head], and a mask where not every token sees every key. */
export interface Seen {
  readonly keys: Value;
  readonly values: Value;
  readonly mask?: Value;
}

/** `w` is an attention's: `….attention` or `….crossattention`. x [..., width] → keys and values */
export function keysAndValues(
  g: GraphBuilder,
  x: Value,
  w: Weights,
  { hidden, heads, width, batch, tokens }: QFormerConfig & Axes & { readonly width: number },
): Seen {
  const parts = [w.at("attention.key"), w.at("attention.value")];
  const [keys, values] = linears(g, x, parts, { from: width, to: hidden });
  const axes = { batch, tokens, heads };
  return { keys: splitHeads(g, keys!, axes), values: splitHeads(g, values!, axes) };
}

/** norm(x + attention(x → seen)). [rows, hidden] → [rows, hidden]; a batch of 1 in `seen` serves every batch of x. */
export function attend(
  g: GraphBuilder,
  x: Value,
  seen: Seen,
  w: Weights,
  { hidden, heads, epsilon, batch, tokens }: QFormerConfig & Axes,
): Value {
  const scale = g.scalar((hidden / heads) ** -0.5);
  const query = linear(g, x, w.at("attention.query"), { from: hidden, to: hidden });
  const q = splitHeads(g, g.multiply(query, scale), { batch, tokens, heads });
  const mixed = mergeHeads(g, attention(g, q, seen.keys, seen.values, seen.mask)); // [rows, hidden]
  return attended(g, x, mixed, w, { hidden, epsilon });
}

/** norm(x + W mixed), behind an attention's values. [rows, hidden] → [rows, hidden] */
export function attended(
  g: GraphBuilder,
  x: Value,
  mixed: Value,
  w: Weights,
  { hidden, epsilon }: Pick<QFormerConfig, "hidden" | "epsilon">,
): Value {
  const out = linear(g, mixed, w.at("output.dense"), { from: hidden, to: hidden });
  return layerNorm(g, g.add(out, x), w.at("output.LayerNorm"), hidden, epsilon);
}

/** norm(x + W gelu(V x)): `intermediate_query` and `output_query` for queries, `intermediate` and `output` for text. */
export function feedForward(g: GraphBuilder, x: Value, up: Weights, down: Weights, config: QFormerConfig): Value {
  const { hidden, mlp, epsilon } = config;
  const inner = g.gelu(linear(g, x, up.at("dense"), { from: hidden, to: mlp }));
  const out = linear(g, inner, down.at("dense"), { from: mlp, to: hidden });
  return layerNorm(g, g.add(out, x), down.at("LayerNorm"), hidden, epsilon);
}
