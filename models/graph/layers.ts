/**
 * The layers every network here is made of. Between layers a batch of token vectors is a matrix [rows, width], one row a
 * token, because that is the form matrix products take; only attention looks at batches, tokens and heads apart.
 */
import { BLOCK_SIZE } from "../checkpoint/quantize.ts";
import type { TensorEntry } from "../checkpoint/safetensors.ts";
import type { Matrix, Weights } from "../checkpoint/weights.ts";
import type { GraphBuilder } from "./builder.ts";
import type { Value } from "./graph.ts";
import type { Dimension } from "./onnx.ts";

/** y = x Wᵀ + b, the weight [to, from] as the checkpoint stores it. x [..., from] → [rows, to] */
export function linear(
  g: GraphBuilder,
  x: Value,
  w: Weights,
  size: { readonly from: number; readonly to: number; readonly bias?: boolean },
): Value {
  const bias = size.bias === false ? null : w.tensor("bias", [size.to]);
  return matrixProduct(g, flattenRows(g, x, size.from), { matrix: w.matrix("weight", [size.to, size.from]), bias });
}

/**
 * x Wᵀ + b in the precision W is stored in, fp16 for a matrix of fp16 and else fp32; `rows` takes part of W and of b.
 * x [rows, from] → [rows, to]
 */
export function matrixProduct(
  g: GraphBuilder,
  input: Value,
  w: { readonly matrix: Matrix; readonly bias: TensorEntry | null },
  rows?: { readonly from: number; readonly count: number },
): Value {
  const { matrix, bias } = w;
  const type = matrix.kind === "fp16" ? "float16" : "float32";
  const x = g.cast(input, type);
  const b = bias === null ? null : g.cast(g.weight(bias, bias.shape, rows), type);
  const [to, from] = matrix.shape;
  switch (matrix.kind) {
    case "fp32":
    case "fp16":
      return g.gemm(x, g.weight(matrix.weight, matrix.shape, rows), b);
    case "int8": {
      const scales = g.weight(matrix.scales, [to], rows);
      // Each part lies as [from, to / parts], so that rows of W are a range of the file only where they are a whole part.
      const part = rows ?? { from: 0, count: to };
      const stored = [matrix.parts * from, to / matrix.parts];
      if (part.count !== stored[1]) throw new Error(`${matrix.weight.name}: ${part.count} rows are no part of it`);
      const range = matrix.parts === 1 ? undefined : { from: (part.from / part.count) * from, count: from };
      return g.dynamicQuantizedMatmul(x, { weight: g.weight(matrix.weight, stored, range), scales }, b);
    }
    case "block": {
      const { bits } = matrix;
      const blocks = from / BLOCK_SIZE;
      const weight = g.weight(matrix.weight, [to, blocks, (BLOCK_SIZE * bits) / 8], rows);
      const range = rows && { from: rows.from * blocks, count: rows.count * blocks };
      const scales = g.weight(matrix.scales, [to * blocks], range);
      return g.blockQuantizedMatmul(x, { weight, scales, bits, blockSize: BLOCK_SIZE }, b);
    }
  }
}

/** Layer normalisation over the last axis, with a scale and a bias unless the checkpoint has none. */
export function layerNorm(g: GraphBuilder, x: Value, w: Weights, width: number, epsilon: number): Value {
  const scale = g.weight(w.tensor("weight", [width]));
  return g.layerNormalization(x, scale, g.weight(w.tensor("bias", [width])), epsilon);
}

/**
 * Root mean square normalisation over the last axis (T5LayerNorm): no mean taken off, no bias. ONNX Runtime knows these
 * operators in this order, the square a power and the root a divisor, and runs them as one.
 */
export function rmsNorm(g: GraphBuilder, x: Value, w: Weights, width: number, epsilon: number): Value {
  const meanSquare = g.mean(g.power(x, g.scalar(2)));
  const root = g.squareRoot(g.add(meanSquare, g.scalar(epsilon)));
  return g.multiply(g.divide(x, root), g.weight(w.tensor("weight", [width])));
}

/** How rows of tokens lie: those of a sequence follow each other or, where `tokensFirst`, those at one place of all sequences. */
export interface HeadAxes {
  readonly batch: Dimension;
  readonly tokens: Dimension;
  readonly heads: number;
  readonly tokensFirst?: boolean;
}

/** [rows, heads · head] → [batch, heads, tokens, head] */
export function splitHeads(g: GraphBuilder, x: Value, { batch, tokens, heads, tokensFirst = false }: HeadAxes): Value {
  const head = Number(x.shape[1]) / heads;
  if (tokensFirst) return byBatch(g, g.reshape(x, [tokens, batch, heads, head]));
  return g.transpose(g.reshape(x, [batch, tokens, heads, head]), [0, 2, 1, 3]);
}

/** [batch, heads, tokens, head] → [rows, heads · head] */
export function mergeHeads(
  g: GraphBuilder,
  x: Value,
  { tokensFirst = false }: Pick<HeadAxes, "tokensFirst"> = {},
): Value {
  const [, heads, , head] = x.shape;
  const merged = g.transpose(x, tokensFirst ? [2, 0, 1, 3] : [0, 2, 1, 3]);
  return g.reshape(merged, ["rows", Number(heads) * Number(head)]);
}

/** [tokens, batch, heads, head] → [batch, heads, tokens, head], which a product reads as it lies. */
function byBatch(g: GraphBuilder, x: Value): Value {
  return g.transpose(x, [1, 2, 0, 3]);
}

/**
 * softmax(q kᵀ + mask) v; the queries come scaled. Scores that are masked are fp32, as the reference has them in its language
 * models, and because the lowest float is none of fp16's. q [batch, heads, tokens, head], k and v [batch, heads, keys, head],
 * mask broadcast to [batch, heads, tokens, keys], 0 where a token sees a key → [batch, heads, tokens, head]
 */
export function attention(g: GraphBuilder, q: Value, k: Value, v: Value, mask?: Value): Value {
  const scores = g.matmul(q, g.transpose(k, [0, 1, 3, 2])); // [batch, heads, tokens, keys]
  const seen = mask === undefined ? g.softmax(scores) : g.maskedSoftmax(g.add(g.cast(scores, mask.type), mask));
  return g.matmul(g.cast(seen, v.type), v);
}

/** [..., width] → [rows, width] */
export function flattenRows(g: GraphBuilder, x: Value, width: number): Value {
  return x.shape.length === 2 ? x : g.reshape(x, ["rows", width]);
}

/** Queries, which come scaled, keys and values of new tokens: [rows, heads · head] each. */
export interface Projected {
  readonly q: Value;
  readonly keys: Value;
  readonly values: Value;
}

/** How a layer's new tokens look at what came before and at each other → [rows, heads · head]. */
export type Attend = (layer: number, projected: Projected) => Value;

/** Keys and values [batch, heads, axis, head], and the name of their token axis. */
export interface KeysAndValues {
  readonly keys: Value;
  readonly values: Value;
  readonly axis: string;
}

/** Attention of heads apart: `attend` is given [batch, heads, tokens, head] each and gives that. → [rows, heads · head] */
export function headByHead(
  g: GraphBuilder,
  { q, keys, values }: Projected,
  axes: HeadAxes,
  attend: (q: Value, recent: { readonly keys: Value; readonly values: Value }) => Value,
): Value {
  const split = (x: Value): Value => splitHeads(g, x, axes);
  return mergeHeads(g, attend(split(q), { keys: split(keys), values: split(values) }), axes);
}

/**
 * Where a cache stays on its device: past and new keys and values are joined there, given as `keys.<layer>` and
 * `values.<layer>`, and fed back as past ones, so that nothing is copied out and in.
 */
export function attentionOverJoined(
  g: GraphBuilder,
  q: Value,
  past: KeysAndValues,
  recent: KeysAndValues,
  { mask, layer }: { readonly mask: Value; readonly layer: number },
): Value {
  const keys = g.concat([past.keys, recent.keys], 2, "keys"); // [batch, heads, keys, head]
  const values = g.concat([past.values, recent.values], 2, "keys");
  g.output(`keys.${layer}`, keys);
  g.output(`values.${layer}`, values);
  return attention(g, q, keys, values, mask);
}

/**
 * Attention over two groups of keys as if they were one, the cached first, then the new: the scores are joined, which
 * spares joining (copying) the cache itself. q [batch, heads, tokens, head], mask [batch, 1 or heads, tokens, keys]
 */
export function attentionOverCache(
  g: GraphBuilder,
  q: Value,
  past: KeysAndValues,
  recent: KeysAndValues,
  mask: Value,
): Value {
  const scores = [past, recent].map(({ keys }) => g.matmul(q, g.transpose(keys, [0, 1, 3, 2])));
  const masked = g.add(g.cast(g.concat(scores, 3, "keys"), mask.type), mask);
  const seen = g.cast(g.maskedSoftmax(masked), q.type); // [batch, heads, tokens, keys]
  const [toPast, toRecent] = g.split(seen, 3, [past.axis, recent.axis]);
  return g.add(g.matmul(toPast!, past.values), g.matmul(toRecent!, recent.values));
}

/**
 * The same over a cache that lies place by place, keys and values [past, batch, heads, head], so that one with more places
 * filled is only a longer piece of the same memory. Rows of tokens come that way, too; new keys and values are given as
 * `keys.<layer>` and `values.<layer>`, [tokens, batch, heads, head]. → [rows, heads · head]
 */
export function attentionOverPlaces(
  g: GraphBuilder,
  { q, keys, values }: Projected,
  past: { readonly keys: Value; readonly values: Value },
  { mask, layer }: { readonly mask: Value; readonly layer: number },
): Value {
  const [, , heads = 1, head = 1] = past.keys.shape;
  const placed = (x: Value): Value => g.reshape(x, ["tokens", "batch", heads, head]);
  const recent = { keys: placed(keys), values: placed(values) };
  g.output(`keys.${layer}`, recent.keys);
  g.output(`values.${layer}`, recent.values);
  const own = (axis: string, { keys, values }: typeof recent): KeysAndValues => {
    return { keys: byBatch(g, keys), values: byBatch(g, values), axis };
  };
  const mixed = attentionOverCache(g, byBatch(g, placed(q)), own("past", past), own("tokens", recent), mask);
  return mergeHeads(g, mixed, { tokensFirst: true });
}
