/**
 * Products of several matrices with one input, such as those that make queries, keys and values of a token. In int8 they are one
 * product of the matrices side by side: the result is the same bit for bit, since every column of a matrix has its own scale
 * and the input is rounded as a whole either way, but it is rounded once, and one product is started instead of three.
 */
import type { Matrix, Weights } from "../checkpoint/weights.ts";
import type { GraphBuilder } from "./builder.ts";
import type { Value } from "./graph.ts";
import { flattenRows, linear } from "./layers.ts";

/** x Wᵀ + b of each of these matrices, all [to, from] in the checkpoint. x [..., from] → [rows, to] each */
export function linears(
  g: GraphBuilder,
  x: Value,
  parts: readonly Weights[],
  size: { readonly from: number; readonly to: number; readonly bias?: boolean },
): readonly Value[] {
  const { from, to, bias = true } = size;
  const matrices = parts.map((w) => w.matrix("weight", [to, from]));
  if (!matrices.every(isWholeInt8)) return parts.map((w) => linear(g, x, w, size));
  const weights = matrices.map(({ weight }) => g.weight(weight, [from, to]));
  const scales = matrices.map((matrix) => g.weight(matrix.scales, [to]));
  const biases = bias ? parts.map((w) => g.weight(w.tensor("bias", [to]))) : null;
  const joined = { weight: g.joinedWeights(weights, 1), scales: g.joinedWeights(scales, 0) };
  const b = biases === null ? null : g.joinedWeights(biases, 0);
  const lengths = parts.map(() => to);
  return g.split(g.dynamicQuantizedMatmul(flattenRows(g, x, from), joined, b), 1, lengths);
}

function isWholeInt8(matrix: Matrix): matrix is Matrix & { readonly kind: "int8" } {
  return matrix.kind === "int8" && matrix.parts === 1;
}
