/**
 * A graph's values, and a graph that is finished: what a session is made of. Graphs are written by graph-writer.ts.
 */
import type { Dimension, ElementType, OnnxValue } from "./onnx.ts";

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
  /** The same for a session on the CPU, which must be told more: cpu-nodes.ts. */
  readonly bytesOnCpu: () => Uint8Array;
  readonly weightsFolder: string;
  /** Of all weights together; each is counted once. */
  readonly weightsBytes: number;
  readonly hasInt8Weights: boolean;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Whether something in it is computed in fp16. */
  readonly isHalf: boolean;
  /** SHA-256 of what is computed, whatever the weights' numbers are and wherever they lie. */
  readonly structure: () => string;
}
