/**
 * What a graph is made of: inputs and outputs, weights that stay in their files, constants, nodes. The operators are in
 * builder.ts. Shapes may hold names for axes whose length is known only when the graph runs ("batch", "tokens"); where an
 * operator needs such a length, it is read off the graph input that declared the name.
 *
 * The body of a loop is a graph inside a graph: it sees the outer graph's values, and its weights are the outer graph's.
 */
import { createHash } from "node:crypto";
import { narrowFloat16 } from "../checkpoint/half-precision.ts";
import type { TensorEntry } from "../checkpoint/safetensors.ts";
import { encodeModel } from "./onnx.ts";
import { nodesOnCpu } from "./cpu-nodes.ts";
import { GraphWeights } from "./graph-weights.ts";
import type { RowRange } from "./graph-weights.ts";
import type { Graph, Shape, Value } from "./graph.ts";
import { ROUNDING } from "./half-rounding.ts";
import { withoutNaming } from "./output-names.ts";
import { SCORE_FLOOR } from "./score-floor.ts";
import type { ElementType, OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor, OnnxValue } from "./onnx.ts";

/** Operators that are not of the standard but of ONNX Runtime (its ContribOperators.md). */
const MICROSOFT_DOMAIN = "com.microsoft";
const microsoftOperators: readonly string[] = ["DynamicQuantizeMatMul", "MatMulNBits"];

/** Operators that move numbers as they are; all others make new ones. */
const movingOperators: readonly string[] = [
  ...["Identity", "Reshape", "Transpose", "Expand", "Concat", "Slice", "Split"],
  ...["Gather", "GatherElements", "GatherND", "ScatterElements", "Where", "If", "Loop"],
];

export class GraphWriter {
  readonly name: string;
  readonly #nodes: OnnxNode[] = [];
  readonly #nodeNames = new Set<string>();
  readonly #constants = new Map<string, OnnxTensor>();
  readonly #weights = new GraphWeights();
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  /** Nodes that do no more than give a value the name of an output. */
  readonly #naming = new Set<OnnxNode>();
  /** Values that have an axis of a name which no input has. */
  readonly #measured: Value[] = [];
  readonly #lengths = new Map<string, Value>();
  readonly #shapes = new Map<string, Value>();
  readonly #outer: GraphWriter | null;
  #count = 0;
  #isHalf = false;
  /** Whether a session on the CPU computes other nodes. */
  #isOtherOnCpu = false;

  /** `outer`: the graph that this one is inside of. */
  constructor(name: string, outer: GraphWriter | null = null) {
    this.name = name;
    this.#outer = outer;
  }

  input(name: string, shape: Shape, type: ElementType = "float32"): Value {
    const value = { name, type, shape };
    this.#inputs.push(value);
    return value;
  }

  output(name: string, value: Value): void {
    const inputs = [value.name];
    const node: OnnxNode = { operator: "Identity", name, inputs, outputs: [name], attributes: {}, domain: "" };
    this.#nodes.push(node);
    this.#naming.add(node);
    this.#outputs.push({ name, type: value.type, shape: value.shape });
  }

  /**
   * A tensor of the checkpoint, used where it lies. `shape` may group its axes anew, `rows` may take part of its first. The
   * same tensor in the same shape is the same value, however often it is asked for.
   */
  weight(entry: TensorEntry, shape: readonly number[] = entry.shape, rows?: RowRange): Value {
    if (this.#outer !== null) return this.#outer.weight(entry, shape, rows);
    return this.#weights.value(entry, shape, rows);
  }

  /** Weights joined along an axis, in the outermost graph, where ONNX Runtime joins them once, when it loads it. */
  joinedWeights(weights: readonly Value[], axis: number): Value {
    if (this.#outer !== null) return this.#outer.joinedWeights(weights, axis);
    const [first] = weights;
    if (first === undefined) throw new Error(`graph ${this.name}: no weights to join`);
    const length = weights.reduce((sum, { shape }) => sum + Number(shape[axis]), 0);
    return this.node("Concat", weights, first.type, first.shape.toSpliced(axis, 1, length), { axis });
  }

  scalar(number: number, type: "float32" | "float16" = "float32"): Value {
    return this.#float(type, [], Float32Array.of(number));
  }

  vector(values: readonly number[], type: "float32" | "float16" = "float32"): Value {
    return this.#float(type, [values.length], Float32Array.from(values));
  }

  integers(values: readonly number[]): Value {
    return this.#constant(
      "int64",
      [values.length],
      BigInt64Array.from(values, (value) => BigInt(value)),
    );
  }

  finish(): Graph {
    const { folder: weightsFolder, tensors: weights, bytes: weightsBytes } = this.#weights.placed();
    const inputs = this.#inputs;
    const outputs = this.#outputs;
    const nodes = withoutNaming(this.#nodes, this.#naming);
    const encode = (of: readonly OnnxTensor[], own = nodes): Uint8Array =>
      encodeModel({
        name: this.name,
        nodes: own,
        tensors: [...this.#constants.values(), ...of],
        inputs,
        outputs,
      });
    const structure = (): string => {
      const nowhere = weights.map((tensor) => ({ ...tensor, content: { location: "", offset: 0, byteLength: 0 } }));
      return createHash("sha256").update(encode(nowhere)).digest("hex");
    };
    const hasInt8Weights = weights.some(({ type }) => type === "int8");
    const bytes = encode(weights);
    const bytesOnCpu = (): Uint8Array => (this.#isOtherOnCpu ? encode(weights, nodesOnCpu(nodes)) : bytes);
    const facts = { weightsFolder, weightsBytes, hasInt8Weights, isHalf: this.#isHalf };
    return { name: this.name, bytes, bytesOnCpu, ...facts, inputs, outputs, structure };
  }

  /** What a node runs inside of it: its outputs are these, in their order, each made by a node of its own. */
  protected asBody(outputs: readonly Value[]): OnnxGraph {
    const unnamed = new Set(this.#nodes.flatMap((node) => node.outputs));
    // A value that comes from outside cannot be an output, and one that is two outputs is lost to the second.
    const named = outputs.map((value) =>
      unnamed.delete(value.name) ? value : this.node("Identity", [value], value.type, value.shape),
    );
    return {
      name: this.name,
      nodes: this.#nodes,
      tensors: [...this.#constants.values()],
      inputs: this.#inputs,
      outputs: named,
    };
  }

  // Shapes that are known when the graph runs.

  /** Lets lengths of axes that no input has be read off this value; gives the value. */
  measure(value: Value): Value {
    this.#measured.push(value);
    return value;
  }

  /**
   * What Reshape is told: 0 keeps the axis at the same place, -1 is worked out from the rest. Only one axis can be -1,
   * so a second unknown length is read off a graph input; one that no input has is then worked out.
   */
  protected reshapeTarget(from: Shape, to: Shape): Value {
    const lengths = to.map((own, axis) => (typeof own === "number" ? own : own === from[axis] ? 0 : -1));
    if (lengths.filter((length) => length === -1).length <= 1) return this.integers(lengths);
    return this.shapeVector(to.map((own) => (typeof own === "number" || this.#holderOf(own) !== null ? own : -1)));
  }

  protected shapeVector(shape: Shape): Value {
    const key = shape.join(",");
    const known = this.#shapes.get(key);
    if (known !== undefined) return known;
    const parts = shape.map((own) => (typeof own === "number" ? this.integers([own]) : this.#length(own)));
    const vector = this.node("Concat", parts, "int64", [shape.length], { axis: 0 });
    this.#shapes.set(key, vector);
    return vector;
  }

  /** int64 [1]: the length of a named axis, from the first graph input that has it. */
  #length(name: string): Value {
    const known = this.#lengths.get(name);
    if (known !== undefined) return known;
    const holder = this.#holderOf(name);
    if (holder === null) throw new Error(`graph ${this.name}: no input has an axis named "${name}"`);
    if (holder.graph !== this) return holder.graph.#length(name);
    const start = holder.value.shape.indexOf(name);
    const length = this.node("Shape", [holder.value], "int64", [1], { start, end: start + 1 });
    this.#lengths.set(name, length);
    return length;
  }

  /** Whose shape tells a named length, in this graph or around it. */
  #holderOf(name: string): { readonly value: Value; readonly graph: GraphWriter } | null {
    const value = [...this.#inputs, ...this.#measured].find(({ shape }) => shape.includes(name));
    if (value !== undefined) return { value, graph: this };
    return this.#outer === null ? null : this.#outer.#holderOf(name);
  }

  #float(type: "float32" | "float16", shape: readonly number[], values: Float32Array): Value {
    return this.#constant(type, shape, type === "float16" ? narrowFloat16(values) : values);
  }

  #constant(type: ElementType, shape: readonly number[], values: Float32Array | Uint16Array | BigInt64Array): Value {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const key = `${type}[${shape.join(",")}]${values.join(",")}`;
    const known = this.#constants.get(key);
    const tensor = known ?? { name: this.#constantName(), type, shape, content: { bytes } };
    this.#constants.set(key, tensor);
    return { name: tensor.name, type, shape };
  }

  #constantName(): string {
    return this.#outer === null ? `constant_${this.#constants.size}` : this.fresh("constant");
  }

  /** An input that is null is left out, where the operator has later ones. */
  protected node(
    operator: string,
    inputs: readonly (Value | null)[],
    type: ElementType,
    shape: Shape,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    name?: string,
  ): Value {
    const value = { name: this.fresh(operator), type, shape };
    this.push(operator, inputs, [value], attributes, name ?? value.name);
    return type === "float16" && !movingOperators.includes(operator) ? this.#rounded(value) : value;
  }

  /** A floor under scores that only the CPU is in need of: score-floor.ts. */
  protected floored(scores: Value): Value {
    this.#outermost.#isOtherOnCpu = true;
    return this.#standIn(scores, SCORE_FLOOR);
  }

  /** A rounding that only the CPU must be told of: half-rounding.ts. */
  #rounded(x: Value): Value {
    const graph = this.#outermost;
    graph.#isHalf = true;
    graph.#isOtherOnCpu = true;
    return this.#standIn(x, ROUNDING);
  }

  #standIn(x: Value, sign: string): Value {
    const value = { name: this.fresh("Identity"), type: x.type, shape: x.shape };
    this.push("Identity", [x], [value], {}, sign + value.name);
    return value;
  }

  get #outermost(): GraphWriter {
    return this.#outer === null ? this : this.#outer.#outermost;
  }

  protected push(
    operator: string,
    inputs: readonly (Value | null)[],
    outputs: readonly Value[],
    attributes: Readonly<Record<string, OnnxAttribute>>,
    name: string,
  ): void {
    const names = (values: readonly (Value | null)[]): string[] => values.map((value) => value?.name ?? "");
    const domain = microsoftOperators.includes(operator) ? MICROSOFT_DOMAIN : "";
    const own = this.#nodeNames.has(name) ? `${name}:${outputs[0]!.name}` : name; // a weight that is used twice
    this.#nodeNames.add(own);
    this.#nodes.push({ operator, name: own, inputs: names(inputs), outputs: names(outputs), attributes, domain });
  }

  /** Not used in this graph nor in one around it. */
  protected fresh(operator: string): string {
    if (this.#outer !== null) return this.#outer.fresh(operator);
    this.#count += 1;
    return `${operator}_${this.#count}`;
  }
}
