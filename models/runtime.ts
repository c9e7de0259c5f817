/**
 * ONNX Runtime: load a graph, run it on named tensors, free it. Weights are not read here: the runtime maps them from
 * the files the graph points at.
 */
import { MessageChannel } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { cpuDevice, describeDevice, executionProvider, keepsOnDevice } from "./device/device.ts";
import type { Device } from "./device/device.ts";
import { deviceError, OutOfDeviceMemoryError } from "./device/device-error.ts";
import { PlacementProfile } from "./device/placement-profile.ts";
import type { GraphPlacement } from "./device/placement-profile.ts";
import type { Graph } from "./graph/graph-writer.ts";
import { areInt8SumsExact } from "./int8-sums.ts";
import { CheckpointError } from "./model.ts";
import { createSession, Tensor } from "./onnxruntime.ts";
import type { InferenceSession } from "./onnxruntime.ts";

export interface RuntimeOptions {
  /** What its provider does not take is computed on the CPU. Unset: the CPU. */
  readonly device?: Device;
  /** Told once of every graph that runs on another device than the CPU: which of its nodes do. */
  readonly onPlacement?: (placement: GraphPlacement) => void;
  /** Threads one operator may use. */
  readonly threads: number;
  /** Told of every run of every graph: for measuring. */
  readonly onRun?: (run: GraphRun) => void;
}

export interface GraphRun {
  readonly graph: string;
  readonly ms: number;
  /** Outputs that stayed on the device. */
  readonly keptOnDevice: readonly string[];
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
  /** The device; null: the CPU. */
  readonly #device: string | null;
  /** Of its first run; null: it is over, or there is none to be told of. */
  #profile: PlacementProfile | null;

  private constructor(
    graph: Graph,
    session: InferenceSession,
    { onRun, device = cpuDevice }: RuntimeOptions,
    profile: PlacementProfile | null,
  ) {
    this.name = graph.name;
    this.#session = session;
    this.#weightsBytes = graph.weightsBytes;
    this.#onRun = onRun;
    this.#device = device.provider === "cpu" ? null : describeDevice(device);
    this.#profile = profile;
  }

  /** `onDevice`: outputs that stay there where `keepsOnDevice`, to be fed to a graph on the same device, then disposed of. */
  static async load(
    graph: Graph,
    options: RuntimeOptions,
    { onDevice = [] }: { readonly onDevice?: readonly string[] } = {},
  ): Promise<Session> {
    const { device = cpuDevice, onPlacement } = options;
    const profile =
      device.provider === "cpu" || onPlacement === undefined
        ? null
        : await PlacementProfile.begin(graph.name, onPlacement);
    try {
      const session = await createSession(device.provider === "cpu" ? graph.bytesOnCpu() : graph.bytes, {
        executionProviders: [executionProvider(device)],
        intraOpNumThreads: options.threads,
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
        ...profile?.sessionOptions,
        ...(onDevice.length > 0 && keepsOnDevice(device) && { preferredOutputLocation: locations(onDevice) }),
        extra: {
          session: {
            model_external_initializers_file_folder_path: graph.weightsFolder,
            // The threads of a graph that is done must not spin while another graph wants the processor.
            force_spinning_stop: "1",
            ...(graph.hasInt8Weights && !(await areInt8SumsExact()) && { x64quantprecision: "1" }),
          },
        },
      });
      return new Session(graph, session, options, profile);
    } catch (error) {
      await profile?.abandon();
      throw device.provider === "cpu" ? error : loadingError(error, graph, device);
    }
  }

  /** Blocks the calling thread until the graph has run. Outputs not named in `fetch` stay inside. */
  async run<Name extends string>(feeds: Feeds, fetch: readonly Name[]): Promise<Readonly<Record<Name, Tensor>>> {
    const start = performance.now();
    const outputs = await this.#session.run(feeds, fetch).catch((error: unknown) => {
      throw this.#device === null ? error : deviceError(error, `graph ${this.name} on ${this.#device}`);
    });
    this.#onRun?.({
      graph: this.name,
      ms: performance.now() - start,
      weightsBytes: this.#weightsBytes,
      keptOnDevice: fetch.filter((name) => outputs[name]?.location === "gpu-buffer"),
    });
    if (this.#profile !== null) await this.#endProfile();
    for (const name of fetch) {
      if (outputs[name] === undefined) throw new Error(`graph ${this.name} gave no output "${name}"`);
    }
    return outputs as Readonly<Record<Name, Tensor>>;
  }

  async release(): Promise<void> {
    await this.#profile?.abandon();
    this.#profile = null;
    await this.#session.release();
  }

  async #endProfile(): Promise<void> {
    const profile = this.#profile;
    this.#profile = null;
    this.#session.endProfiling();
    await profile?.end();
  }
}

/** What a user can mend, where it is the size of the weights. */
function loadingError(error: unknown, { name, weightsBytes }: Graph, device: Device): unknown {
  const found = deviceError(error, `graph ${name} on ${describeDevice(device)}`);
  if (!(found instanceof OutOfDeviceMemoryError)) return found;
  const weights = `its weights take ${Math.ceil(weightsBytes / 1e6)} MB`;
  return new CheckpointError(`${found.message}; ${weights}. Give another --precision, or another --device.`, {
    cause: error,
  });
}

/** Gives the memory of those on the device back; the garbage collector does not see it. Others stay as they are. */
export function freeOnDevice(tensors: Feeds | readonly Tensor[]): void {
  for (const tensor of Object.values(tensors)) if (tensor.location === "gpu-buffer") tensor.dispose();
}

/**
 * Gives the memory of a graph's outputs back now, when they are not read again. The garbage collector would in its time, but
 * it collects the whole heap, 10 ms each time, whenever such memory has grown by 64 MB: twice in a batch of eight questions.
 */
export function freeOutputs(outputs: readonly Tensor[]): void {
  const buffers: ArrayBuffer[] = [];
  for (const output of outputs) {
    if (output.location === "cpu" && ArrayBuffer.isView(output.data) && output.data.buffer instanceof ArrayBuffer)
      buffers.push(output.data.buffer);
    output.dispose();
  }
  nowhere.postMessage(null, buffers);
}

/** What is moved to it is gone: there is no other end. (ArrayBuffer.transfer does the same, in later versions of Node.) */
const nowhere = portWithoutEnd();

function portWithoutEnd(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return port1;
}

function locations(names: readonly string[]): Readonly<Record<string, "gpu-buffer">> {
  return Object.fromEntries(names.map((name) => [name, "gpu-buffer" as const]));
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

/** One behind the other; a part that is alone is given as it is. */
export function joinedFloats(parts: readonly Float32Array[]): Float32Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function integers(tensor: Tensor): number[] {
  if (tensor.data instanceof BigInt64Array) return Array.from(tensor.data, Number);
  throw new Error(`expected an int64 tensor, found ${tensor.type}`);
}
