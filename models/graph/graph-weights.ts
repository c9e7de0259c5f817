/**
 * The weights of a graph: tensors of a checkpoint that stay in their files, where ONNX Runtime maps them. The graph says of each
 * which file it is in, seen from one folder above all of them, and where.
 */
import path from "node:path";
import type { SafetensorsType, TensorEntry } from "../checkpoint/safetensors.ts";
import { commonFolder } from "./common-folder.ts";
import type { Value } from "./graph.ts";
import type { ElementType, OnnxTensor } from "./onnx.ts";

/** What the weights of a graph are stored as: floats, or the integers of a quantized matrix. */
const weightTypes: Partial<Record<SafetensorsType, ElementType>> = {
  F32: "float32",
  F16: "float16",
  I8: "int8",
  U8: "uint8",
};

/** Part of a tensor's first axis. */
export interface RowRange {
  readonly from: number;
  readonly count: number;
}

/** Where the weights lie: the folder that their locations start from, and each as a tensor of the graph. */
export interface PlacedWeights {
  readonly folder: string;
  readonly tensors: readonly OnnxTensor[];
  readonly bytes: number;
}

interface UsedTensor {
  /** The part of it that is used. */
  readonly entry: TensorEntry;
  readonly tensor: Omit<OnnxTensor, "content">;
}

export class GraphWeights {
  /** By name and shape. */
  readonly #used = new Map<string, UsedTensor>();

  /** A tensor as a value; one that is used twice in one shape is one value. `rows` takes part of its first axis. */
  value(entry: TensorEntry, shape: readonly number[], rows?: RowRange): Value {
    const rowBytes = entry.byteLength / (shape[0] ?? 1);
    const range = rows ?? { from: 0, count: shape[0] ?? 1 };
    const own = rows === undefined ? shape : [rows.count, ...shape.slice(1)];
    const part = { ...entry, offset: entry.offset + range.from * rowBytes, byteLength: range.count * rowBytes };
    const name = rows === undefined ? entry.name : `${entry.name}[${rows.from}:${rows.from + rows.count}]`;
    const key = `${name}:${own.join("x")}`;
    const known = this.#used.get(key);
    if (known !== undefined) return known.tensor;
    const isTaken = [...this.#used.values()].some(({ tensor }) => tensor.name === name); // in another shape
    const type = weightTypes[entry.dtype];
    if (type === undefined)
      throw new Error(`tensor "${entry.name}" is ${entry.dtype}, which no graph here computes with`);
    const tensor = { name: isTaken ? key : name, type, shape: own };
    this.#used.set(key, { entry: part, tensor });
    return tensor;
  }

  placed(): PlacedWeights {
    const used = [...this.#used.values()];
    const folder = commonFolder([...new Set(used.map(({ entry }) => path.dirname(entry.file)))]);
    const tensors = used.map(({ entry, tensor }) => ({
      ...tensor,
      content: {
        location: path.relative(folder, entry.file).split(path.sep).join("/"),
        offset: entry.offset,
        byteLength: entry.byteLength,
      },
    }));
    return { folder, tensors, bytes: used.reduce((sum, { entry }) => sum + entry.byteLength, 0) };
  }
}
