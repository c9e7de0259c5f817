/**
 * Builds an ONNX graph: one method per operator, each returning a value that knows its type and shape.
 */
import { GraphWriter } from "./graph-writer.ts";
import type { Shape, Value } from "./graph.ts";
import { dataType } from "./onnx.ts";
import type { Dimension, ElementType } from "./onnx.ts";

export class GraphBuilder extends GraphWriter {
  // Arithmetic, with numpy's broadcasting.

  add(a: Value, b: Value): Value {
    return this.node("Add", [a, b], a.type, broadcast(a.shape, b.shape));
  }

  multiply(a: Value, b: Value): Value {
    return this.node("Mul", [a, b], a.type, broadcast(a.shape, b.shape));
  }

  divide(a: Value, b: Value): Value {
    return this.node("Div", [a, b], a.type, broadcast(a.shape, b.shape));
  }

  power(x: Value, exponent: Value): Value {
    return this.node("Pow", [x, exponent], x.type, broadcast(x.shape, exponent.shape));
  }

  /** [..., rows, inner] × [..., inner, columns] → [..., rows, columns] */
  matmul(a: Value, b: Value): Value {
    const leading = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return this.node("MatMul", [a, b], a.type, [...leading, ...a.shape.slice(-2, -1), ...b.shape.slice(-1)]);
  }

  /** x [rows, in] × w [out, in] as the checkpoint stores it, + b [out] → [rows, out] */
  gemm(x: Value, w: Value, b: Value | null): Value {
    const inputs = b === null ? [x, w] : [x, w, b];
    return this.node("Gemm", inputs, x.type, [x.shape[0] ?? 1, w.shape[0] ?? 1], { transB: 1 }, w.name);
  }

  /**
   * x [rows, in] × w int8 [in, out] + b [out] → [rows, out]. x is rounded to 8 bits when the graph runs, all rows with one
   * scale; `scales` [out] are those of w's columns.
   */
  dynamicQuantizedMatmul(x: Value, w: { readonly weight: Value; readonly scales: Value }, b: Value | null): Value {
    const inputs = b === null ? [x, w.weight, w.scales] : [x, w.weight, w.scales, null, b]; // null: zero points
    const shape = [x.shape[0] ?? 1, w.weight.shape[1] ?? 1];
    return this.node("DynamicQuantizeMatMul", inputs, x.type, shape, {}, w.weight.name);
  }

  /**
   * x [rows, in] × w + b [out] → [rows, out]. w uint8 [out, blocks, bytes] holds the columns in blocks with a scale each,
   * `scales` [out · blocks]. x is rounded to 8 bits when the graph runs (accuracy level 4), each block of a row apart.
   */
  blockQuantizedMatmul(
    x: Value,
    w: { readonly weight: Value; readonly scales: Value; readonly bits: 4 | 8; readonly blockSize: number },
    b: Value | null,
  ): Value {
    const { weight, scales, bits, blockSize } = w;
    const [to = 1, blocks = 1] = weight.shape.map(Number);
    const attributes = { K: blocks * blockSize, N: to, bits, block_size: blockSize, accuracy_level: 4 };
    const inputs = b === null ? [x, weight, scales] : [x, weight, scales, null, null, b]; // null: zero points, order
    return this.node("MatMulNBits", inputs, x.type, [x.shape[0] ?? 1, to], attributes, weight.name);
  }

  // Functions of one value.

  relu(x: Value): Value {
    return this.node("Relu", [x], x.type, x.shape);
  }

  /** Exact (by the error function) or the tanh approximation. */
  gelu(x: Value, approximate: "none" | "tanh" = "none"): Value {
    return this.node("Gelu", [x], x.type, x.shape, { approximate });
  }

  /** 1 / (1 + exp(-x)) */
  sigmoid(x: Value): Value {
    return this.node("Sigmoid", [x], x.type, x.shape);
  }

  /** The same numbers as another type; nothing where they are of that type. */
  cast(x: Value, type: ElementType): Value {
    return x.type === type ? x : this.node("Cast", [x], type, x.shape, { to: dataType[type] });
  }

  squareRoot(x: Value): Value {
    return this.node("Sqrt", [x], x.type, x.shape);
  }

  /** Over the last axis, which stays with length 1. */
  mean(x: Value): Value {
    const shape = [...x.shape.slice(0, -1), 1];
    return this.node("ReduceMean", [x, this.integers([-1])], x.type, shape, { keepdims: 1 });
  }

  /** The largest along an axis, which goes. */
  max(x: Value, axis: number): Value {
    const shape = x.shape.filter((_, index) => index !== axis);
    return this.node("ReduceMax", [x, this.integers([axis])], x.type, shape, { keepdims: 0 });
  }

  /** Over the last axis: x divided by its Euclidean length. */
  normalize(x: Value): Value {
    return this.node("LpNormalization", [x], x.type, x.shape, { axis: -1, p: 2 });
  }

  softmax(x: Value): Value {
    return this.node("Softmax", [x], x.type, x.shape, { axis: -1 });
  }

  /** Of scores with a mask added, the lowest float where it is not 0. */
  maskedSoftmax(scores: Value): Value {
    return this.softmax(this.floored(scores));
  }

  logSoftmax(x: Value): Value {
    return this.node("LogSoftmax", [x], x.type, x.shape, { axis: -1 });
  }

  /** Over the last axis: (x - mean) / sqrt(variance + epsilon) · scale + bias */
  layerNormalization(x: Value, scale: Value, bias: Value | null, epsilon: number): Value {
    const inputs = bias === null ? [x, scale] : [x, scale, bias];
    return this.node(
      "LayerNormalization",
      inputs,
      x.type,
      x.shape,
      { axis: -1, epsilon: { float: epsilon } },
      scale.name,
    );
  }

  /** The k largest of the last axis, largest first: their values and their indices. k is an input, int64 [1]. */
  topK(x: Value, k: Value, length: Dimension = "k"): { readonly values: Value; readonly indices: Value } {
    const shape = [...x.shape.slice(0, -1), length];
    const values: Value = { name: this.fresh("TopK"), type: x.type, shape };
    const indices: Value = { name: `${values.name}.indices`, type: "int64", shape };
    this.push("TopK", [x, k], [values, indices], { axis: -1 }, values.name);
    return { values, indices };
  }

  // Layout.

  transpose(x: Value, order: readonly number[]): Value {
    const shape = order.map((axis) => dimension(x.shape, axis));
    return this.node("Transpose", [x], x.type, shape, { perm: order });
  }

  /** The same elements, in the same order, along other axes. */
  reshape(x: Value, shape: Shape): Value {
    return this.node("Reshape", [x, this.reshapeTarget(x.shape, shape)], x.type, shape);
  }

  expand(x: Value, shape: Shape): Value {
    return this.node("Expand", [x, this.shapeVector(shape)], x.type, shape);
  }

  concat(values: readonly Value[], axis: number, length: Dimension): Value {
    const first = values[0]!;
    const shape = first.shape.map((own, index) => (index === axis ? length : own));
    return this.node("Concat", values, first.type, shape, { axis });
  }

  /** Elements `from` to `to` (not included) of one axis; -1 counts from the end. */
  slice(x: Value, axis: number, from: number, to: number, length: Dimension): Value {
    const bounds = [this.integers([from]), this.integers([to]), this.integers([axis])];
    const shape = x.shape.map((own, index) => (index === axis ? length : own));
    return this.node("Slice", [x, ...bounds], x.type, shape);
  }

  /** Parts of one axis, one after the other; named lengths are read when the graph runs. */
  split(x: Value, axis: number, lengths: Shape): readonly Value[] {
    const name = this.fresh("Split");
    const parts = lengths.map((length, part): Value => {
      const shape = x.shape.map((own, index) => (index === axis ? length : own));
      return { name: `${name}.${part}`, type: x.type, shape };
    });
    this.push("Split", [x, this.shapeVector(lengths)], parts, { axis }, name);
    return parts;
  }

  /** Rows of a table by index: table [n, ...], indices [...] → [...indices, ...] */
  gather(table: Value, indices: Value): Value {
    return this.node("Gather", [table, indices], table.type, [...indices.shape, ...table.shape.slice(1)], { axis: 0 });
  }
}

function dimension(shape: Shape, axis: number): Dimension {
  const length = shape[axis];
  if (length === undefined) throw new Error(`axis ${axis} of a value of shape [${shape.join(", ")}]`);
  return length;
}

/** numpy's rule: align at the right; equal lengths stay, 1 stretches. */
export function broadcast(a: Shape, b: Shape): Shape {
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, index) => {
    const left = a[index - length + a.length] ?? 1;
    const right = b[index - length + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new Error(`shapes [${a.join(", ")}] and [${b.join(", ")}] do not broadcast`);
  });
}
