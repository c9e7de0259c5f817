/**
 * The layers every network here is made of. Between layers a batch of token vectors is a matrix [rows, width], one row a
 * token, because that is the form matrix products take; only attention looks at batches, tokens and heads apart.
 */
import { BLOCK_SIZE } from "../checkpoint/quantize.ts";
import type { TensorEntry } from "../checkpoint/safetensors.ts";
import type { Matrix, Weights } from "../checkpoint/weights.ts";
import type { GraphBuilder } from "./builder.ts";
import type { Value } from "./graph-writer.ts";
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

/** [rows, heads · head] → [batch, heads, tokens, head] */
export function splitHeads(
  g: GraphBuilder,
  x: Value,
  axes: { readonly batch: Dimension; readonly tokens: Dimension; readonly heads: number },
): Value {
  const head = Number(x.shape[1]) / axes.heads;
  return g.transpose(g.reshape(x, [axes.batch, axes.tokens, axes.heads, head]), [0, 2, 1, 3]);
}

/** [batch, heads, tokens, head] → [rows, heads · head] */
export function mergeHeads(g: GraphBuilder, x: Value): Value {
  const [, heads, , head] = x.shape;
  return g.reshape(g.transpose(x, [0, 2, 1, 3]), ["rows", Number(heads) * Number(head)]);
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

/** Keys and values [batch, heads, axis, head], and the name of their token axis. */
export interface KeysAndValues {
  readonly keys: Value;
  readonly values: Value;
  readonly axis: string;
}

/**
 * The same where a cache stays on its device: past and new keys and values are joined there, given as `keys.<layer>` and
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

/** How a layer's queries look at what came before and at new tokens, all [batch, heads, tokens, head] → the same shape. */
export type Attend = (layer: number, q: Value, recent: { readonly keys: Value; readonly values: Value }) => Value;

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
