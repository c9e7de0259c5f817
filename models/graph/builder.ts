/**
 * Builds an ONNX graph: one method per operator, each returning a value that knows its type and shape. Shapes may hold
 * names for axes whose length is known only when the graph runs ("batch", "tokens"); where an operator needs such a
 * length, the builder reads it off the graph input that declared the name.
 */
import path from "node:path";
import type { TensorEntry } from "../safetensors.ts";
import { encodeModel } from "./onnx.ts";
import type { Dimension, ElementType, OnnxAttribute, OnnxNode, OnnxTensor, OnnxValue } from "./onnx.ts";

export type Shape = readonly Dimension[];

/** A tensor that flows through a graph. */
export interface Value {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

/** A finished graph: the model's bytes, and the folder below which its weights lie. */
export interface Graph {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly weightsFolder: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

export class GraphBuilder {
  readonly name: string;
  readonly #nodes: OnnxNode[] = [];
  readonly #nodeNames = new Set<string>();
  readonly #constants = new Map<string, OnnxTensor>();
  readonly #weights = new Map<string, { readonly entry: TensorEntry; readonly tensor: Omit<OnnxTensor, "content"> }>();
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  readonly #lengths = new Map<string, Value>();
  readonly #shapes = new Map<string, Value>();
  #count = 0;

  constructor(name: string) {
    this.name = name;
  }

  input(name: string, shape: Shape, type: ElementType = "float32"): Value {
    const value = { name, type, shape };
    this.#inputs.push(value);
    return value;
  }

  output(name: string, value: Value): void {
    this.#nodes.push({ operator: "Identity", name, inputs: [value.name], outputs: [name], attributes: {}, domain: "" });
    this.#outputs.push({ name, type: value.type, shape: value.shape });
  }

  /**
   * A tensor of the checkpoint, used where it lies. `shape` may group its axes anew, `rows` may take part of its first. The
   * same tensor in the same shape is the same value, however often it is asked for.
   */
  weight(entry: TensorEntry, shape: readonly number[] = entry.shape, rows?: { from: number; count: number }): Value {
    const rowBytes = entry.byteLength / (shape[0] ?? 1);
    const range = rows ?? { from: 0, count: shape[0] ?? 1 };
    const own = rows === undefined ? shape : [rows.count, ...shape.slice(1)];
    const part = { ...entry, offset: entry.offset + range.from * rowBytes, byteLength: range.count * rowBytes };
    const name = rows === undefined ? entry.name : `${entry.name}[${rows.from}:${rows.from + rows.count}]`;
    const key = `${name}:${own.join("x")}`;
    const known = this.#weights.get(key);
    if (known !== undefined) return known.tensor;
    const isTaken = [...this.#weights.values()].some(({ tensor }) => tensor.name === name); // in another shape
    const tensor = { name: isTaken ? key : name, type: "float32", shape: own } as const;
    this.#weights.set(key, { entry: part, tensor });
    return tensor;
  }

  scalar(number: number): Value {
    return this.#constant("float32", [], new Float32Array([number]));
  }

  vector(values: readonly number[]): Value {
    return this.#constant("float32", [values.length], Float32Array.from(values));
  }

  integers(values: readonly number[]): Value {
    return this.#constant(
      "int64",
      [values.length],
      BigInt64Array.from(values, (value) => BigInt(value)),
    );
  }

  // Arithmetic, with numpy's broadcasting.

  add(a: Value, b: Value): Value {
    return this.#node("Add", [a, b], a.type, broadcast(a.shape, b.shape));
  }

  multiply(a: Value, b: Value): Value {
    return this.#node("Mul", [a, b], a.type, broadcast(a.shape, b.shape));
  }

  divide(a: Value, b: Value): Value {
    return this.#node("Div", [a, b], a.type, broadcast(a.shape, b.shape));
  }

  power(x: Value, exponent: Value): Value {
    return this.#node("Pow", [x, exponent], x.type, broadcast(x.shape, exponent.shape));
  }

  /** [..., rows, inner] × [..., inner, columns] → [..., rows, columns] */
  matmul(a: Value, b: Value): Value {
    const leading = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return this.#node("MatMul", [a, b], a.type, [...leading, ...a.shape.slice(-2, -1), ...b.shape.slice(-1)]);
  }

  /** x [rows, in] × w [out, in] as the checkpoint stores it, + b [out] → [rows, out] */
  gemm(x: Value, w: Value, b: Value | null): Value {
    const inputs = b === null ? [x, w] : [x, w, b];
    return this.#node("Gemm", inputs, x.type, [x.shape[0] ?? 1, w.shape[0] ?? 1], { transB: 1 }, w.name);
  }

  // Functions of one value.

  relu(x: Value): Value {
    return this.#node("Relu", [x], x.type, x.shape);
  }

  /** Exact (by the error function) or the tanh approximation. */
  gelu(x: Value, approximate: "none" | "tanh" = "none"): Value {
    return this.#node("Gelu", [x], x.type, x.shape, { approximate });
  }

  squareRoot(x: Value): Value {
    return this.#node("Sqrt", [x], x.type, x.shape);
  }

  /** Over the last axis, which stays with length 1. */
  mean(x: Value): Value {
    const shape = [...x.shape.slice(0, -1), 1];
    return this.#node("ReduceMean", [x, this.integers([-1])], x.type, shape, { keepdims: 1 });
  }

  /** The largest along an axis, which goes. */
  max(x: Value, axis: number): Value {
    const shape = x.shape.filter((_, index) => index !== axis);
    return this.#node("ReduceMax", [x, this.integers([axis])], x.type, shape, { keepdims: 0 });
  }

  /** Over the last axis: x divided by its Euclidean length. */
  normalize(x: Value): Value {
    return this.#node("LpNormalization", [x], x.type, x.shape, { axis: -1, p: 2 });
  }

  softmax(x: Value): Value {
    return this.#node("Softmax", [x], x.type, x.shape, { axis: -1 });
  }

  logSoftmax(x: Value): Value {
    return this.#node("LogSoftmax", [x], x.type, x.shape, { axis: -1 });
  }

  /** Over the last axis: (x - mean) / sqrt(variance + epsilon) · scale + bias */
  layerNormalization(x: Value, scale: Value, bias: Value | null, epsilon: number): Value {
    const inputs = bias === null ? [x, scale] : [x, scale, bias];
    return this.#node(
      "LayerNormalization",
      inputs,
      x.type,
      x.shape,
      { axis: -1, epsilon: { float: epsilon } },
      scale.name,
    );
  }

  /** The k largest of the last axis, largest first: their values and their indices. k is an input, int64 [1]. */
  topK(x: Value, k: Value): { readonly values: Value; readonly indices: Value } {
    const shape = [...x.shape.slice(0, -1), "k"];
    const values: Value = { name: this.#fresh("TopK"), type: x.type, shape };
    const indices: Value = { name: `${values.name}.indices`, type: "int64", shape };
    this.#push("TopK", [x, k], [values, indices], { axis: -1 }, values.name);
    return { values, indices };
  }

  // Layout.

  transpose(x: Value, order: readonly number[]): Value {
    const shape = order.map((axis) => dimension(x.shape, axis));
    return this.#node("Transpose", [x], x.type, shape, { perm: order });
  }

  /** The same elements, in the same order, along other axes. */
  reshape(x: Value, shape: Shape): Value {
    return this.#node("Reshape", [x, this.#reshapeTarget(x.shape, shape)], x.type, shape);
  }

  expand(x: Value, shape: Shape): Value {
    return this.#node("Expand", [x, this.#shapeVector(shape)], x.type, shape);
  }

  concat(values: readonly Value[], axis: number, length: Dimension): Value {
    const first = values[0]!;
    const shape = first.shape.map((own, index) => (index === axis ? length : own));
    return this.#node("Concat", values, first.type, shape, { axis });
  }

  /** Elements `from` to `to` (not included) of one axis; -1 counts from the end. */
  slice(x: Value, axis: number, from: number, to: number, length: Dimension): Value {
    const bounds = [this.integers([from]), this.integers([to]), this.integers([axis])];
    const shape = x.shape.map((own, index) => (index === axis ? length : own));
    return this.#node("Slice", [x, ...bounds], x.type, shape);
  }

  /** Parts of one axis, one after the other; named lengths are read when the graph runs. */
  split(x: Value, axis: number, lengths: Shape): readonly Value[] {
    const name = this.#fresh("Split");
    const parts = lengths.map((length, part): Value => {
      const shape = x.shape.map((own, index) => (index === axis ? length : own));
      return { name: `${name}.${part}`, type: x.type, shape };
    });
    this.#push("Split", [x, this.#shapeVector(lengths)], parts, { axis }, name);
    return parts;
  }

  /** Rows of a table by index: table [n, ...], indices [...] → [...indices, ...] */
  gather(table: Value, indices: Value): Value {
    return this.#node("Gather", [table, indices], table.type, [...indices.shape, ...table.shape.slice(1)], { axis: 0 });
  }

  finish(): Graph {
    const files = new Set([...this.#weights.values()].map(({ entry }) => path.dirname(entry.file)));
    const weightsFolder = commonFolder([...files]);
    const weights = [...this.#weights.values()].map(({ entry, tensor }) => ({
      ...tensor,
      content: {
        location: path.relative(weightsFolder, entry.file).split(path.sep).join("/"),
        offset: entry.offset,
        byteLength: entry.byteLength,
      },
    }));
    const inputs = this.#inputs;
    const outputs = this.#outputs;
    const tensors = [...this.#constants.values(), ...weights];
    const bytes = encodeModel({ name: this.name, nodes: this.#nodes, tensors, inputs, outputs });
    return { name: this.name, bytes, weightsFolder, inputs, outputs };
  }

  // Shapes that are known when the graph runs.

  /**
   * What Reshape is told: 0 keeps the axis at the same place, -1 is worked out from the rest. Only one axis can be -1,
   * so a second unknown length is read off a graph input.
   */
  #reshapeTarget(from: Shape, to: Shape): Value {
    const lengths = to.map((own, axis) => (typeof own === "number" ? own : own === from[axis] ? 0 : -1));
    return lengths.filter((length) => length === -1).length <= 1 ? this.integers(lengths) : this.#shapeVector(to);
  }

  #shapeVector(shape: Shape): Value {
    const key = shape.join(",");
    const known = this.#shapes.get(key);
    if (known !== undefined) return known;
    const parts = shape.map((own) => (typeof own === "number" ? this.integers([own]) : this.#length(own)));
    const vector = this.#node("Concat", parts, "int64", [shape.length], { axis: 0 });
    this.#shapes.set(key, vector);
    return vector;
  }

  /** int64 [1]: the length of a named axis, from the first graph input that has it. */
  #length(name: string): Value {
    const known = this.#lengths.get(name);
    if (known !== undefined) return known;
    const input = this.#inputs.find(({ shape }) => shape.includes(name));
    if (input === undefined) throw new Error(`graph ${this.name}: no input has an axis named "${name}"`);
    const start = input.shape.indexOf(name);
    const length = this.#node("Shape", [input], "int64", [1], { start, end: start + 1 });
    this.#lengths.set(name, length);
    return length;
  }

  #constant(type: ElementType, shape: readonly number[], values: Float32Array | BigInt64Array): Value {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const key = `${type}[${shape.join(",")}]${values.join(",")}`;
    const known = this.#constants.get(key);
    const tensor = known ?? { name: `constant_${this.#constants.size}`, type, shape, content: { bytes } };
    this.#constants.set(key, tensor);
    return { name: tensor.name, type, shape };
  }

  #node(
    operator: string,
    inputs: readonly Value[],
    type: ElementType,
    shape: Shape,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    name?: string,
  ): Value {
    const value = { name: this.#fresh(operator), type, shape };
    this.#push(operator, inputs, [value], attributes, name ?? value.name);
    return value;
  }

  #push(
    operator: string,
    inputs: readonly Value[],
    outputs: readonly Value[],
    attributes: Readonly<Record<string, OnnxAttribute>>,
    name: string,
  ): void {
    const names = (values: readonly Value[]): string[] => values.map((value) => value.name);
    const own = this.#nodeNames.has(name) ? `${name}:${outputs[0]!.name}` : name; // a weight that is used twice
    this.#nodeNames.add(own);
    this.#nodes.push({ operator, name: own, inputs: names(inputs), outputs: names(outputs), attributes, domain: "" });
  }

  #fresh(operator: string): string {
    this.#count += 1;
    return `${operator}_${this.#count}`;
  }
}

function dimension(shape: Shape, axis: number): Dimension {
  const length = shape[axis];
  if (length === undefined) throw new Error(`axis ${axis} of a value of shape [${shape.join(", ")}]`);
  return length;
}

/** numpy's rule: align at the right; equal lengths stay, 1 stretches. */
function broadcast(a: Shape, b: Shape): Shape {
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, index) => {
    const left = a[index - length + a.length] ?? 1;
    const right = b[index - length + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new Error(`shapes [${a.join(", ")}] and [${b.join(", ")}] do not broadcast`);
  });
}

/** The deepest folder above all of these; ONNX Runtime takes one folder for all weights of a graph. */
function commonFolder(folders: readonly string[]): string {
  const [first = process.cwd(), ...rest] = folders;
  return rest.reduce((common, folder) => {
    let above = common;
    while (path.relative(above, folder).startsWith("..")) above = path.dirname(above);
    return above;
  }, first);
}
