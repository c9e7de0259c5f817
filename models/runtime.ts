/**
 * ONNX Runtime: load a graph, run it on named tensors, free it. Weights are not read here: the runtime maps them from
 * the files the graph points at.
 */
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Graph } from "./graph/graph-writer.ts";

export interface RuntimeOptions {
  /** ONNX Runtime\'s provider; what it does not take is computed on the CPU. Unset: the CPU. */
  readonly device?: "cpu" | "webgpu";
  /** Threads one operator may use. */
  readonly threads: number;
  /** Told of every run of every graph: for measuring. */
  readonly onRun?: (run: GraphRun) => void;
}

export interface GraphRun {
  readonly graph: string;
  readonly ms: number;
  /** Of all weights of the graph. */
  readonly weightsBytes: number;
}

export type Feeds = Readonly<Record<string, Tensor>>;

/** A loaded graph. */
export class Session {
  readonly name: string;
  readonly #session: InferenceSession;
  readonly #weightsBytes: number;
  readonly #onRun: RuntimeOptions["onRun"];

  private constructor(graph: Graph, session: InferenceSession, onRun: RuntimeOptions["onRun"]) {
    this.name = graph.name;
    this.#session = session;
    this.#weightsBytes = graph.weightsBytes;
    this.#onRun = onRun;
  }

  static async load(graph: Graph, options: RuntimeOptions): Promise<Session> {
    const { device = "cpu" } = options;
    const session = await InferenceSession.create(graph.bytes, {
      executionProviders: [device],
      intraOpNumThreads: options.threads,
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
      extra: {
        session: {
          model_external_initializers_file_folder_path: graph.weightsFolder,
          // The threads of a graph that is done must not spin while another graph wants the processor.
          force_spinning_stop: "1",
          // Processors without VNNI add products of int8 up in 16 bits, where they overflow; this keeps the sums exact.
          x64quantprecision: "1",
        },
        // The nodes that make the CPU round to fp16 (graph-writer.ts) do nothing else, and would be taken out.
        ...(graph.isHalf && device === "cpu" && { optimization: { disable_specified_optimizers: "EliminateIdentity" } }),
      },
    });
    return new Session(graph, session, options.onRun);
  }

  /** Blocks the calling thread until the graph has run. Outputs not named in `fetch` stay inside. */
  async run<Name extends string>(feeds: Feeds, fetch: readonly Name[]): Promise<Readonly<Record<Name, Tensor>>> {
    const start = performance.now();
    const outputs = await this.#session.run(feeds, fetch);
    this.#onRun?.({ graph: this.name, ms: performance.now() - start, weightsBytes: this.#weightsBytes });
    for (const name of fetch) {
      if (outputs[name] === undefined) throw new Error(`graph ${this.name} gave no output "${name}"`);
    }
    return outputs as Readonly<Record<Name, Tensor>>;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

export function float32Tensor(data: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor("float32", data, shape);
}

export function int64Tensor(values: readonly number[], shape: readonly number[]): Tensor {
  return new Tensor(
    "int64",
    BigInt64Array.from(values, (value) => BigInt(value)),
    shape,
  );
}

export function int32Tensor(data: Int32Array, shape: readonly number[]): Tensor {
  return new Tensor("int32", data, shape);
}

/** Numbers that are moved but not looked at: fp32, or the bits of fp16. */
export type Numbers = Float32Array | Uint16Array;
export type FloatType = "float32" | "float16";

export function emptyNumbers(type: FloatType, length: number): Numbers {
  return type === "float16" ? new Uint16Array(length) : new Float32Array(length);
}

export function numbersTensor(numbers: Numbers, shape: readonly number[]): Tensor {
  return numbers instanceof Float32Array ? float32Tensor(numbers, shape) : new Tensor("float16", numbers, shape);
}

export function floatType({ type }: Tensor): FloatType {
  return type === "float16" ? "float16" : "float32";
}

/** The numbers of a float tensor, in its own memory. Newer versions of Node have an array type of their own for fp16. */
export function numbersOf(tensor: Tensor): Numbers {
  const { data, type } = tensor;
  if (type !== "float16" || !ArrayBuffer.isView(data)) return floats(tensor);
  return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
}

/** The numbers of a float32 tensor; asking for another type is a mistake of the caller. */
export function floats(tensor: Tensor): Float32Array {
  if (tensor.data instanceof Float32Array) return tensor.data;
  throw new Error(`expected a float32 tensor, found ${tensor.type}`);
}

export function integers(tensor: Tensor): number[] {
  if (tensor.data instanceof BigInt64Array) return Array.from(tensor.data, Number);
  throw new Error(`expected an int64 tensor, found ${tensor.type}`);
}
