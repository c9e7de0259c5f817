/**
 * What networks read weights through: a path into the checkpoint, as the checkpoint spells it. Remembers what was read,
 * so that loading can insist that every tensor of a checkpoint is used, or known not to be.
 */
import { CheckpointError } from "../model.ts";
import { fp32Precision } from "./precision.ts";
import type { ModelPart, Precision } from "./precision.ts";
import { FLOATS } from "./safetensors.ts";
import type { TensorEntry } from "./safetensors.ts";

/** A linear layer's matrix, [to, from] in the checkpoint, and how it is stored to be computed with (quantize.ts). */
export type Matrix = { readonly shape: readonly [to: number, from: number] } & (
  | { readonly kind: "fp32" | "fp16"; readonly weight: TensorEntry }
  /** weight I8 [parts, from, to / parts], scales F32 [to]; `parts` are used apart from each other. */
  | { readonly kind: "int8"; readonly parts: number; readonly weight: TensorEntry; readonly scales: TensorEntry }
  /** weight U8 [to, blocks, bytes], scales F32 [to, blocks] */
  | { readonly kind: "block"; readonly bits: 4 | 8; readonly weight: TensorEntry; readonly scales: TensorEntry }
);

/** What a graph was made of: a tensor, or a quantized matrix with its scales behind it. */
export interface UsedWeight {
  readonly name: string;
  readonly kind: Matrix["kind"];
  readonly entries: readonly TensorEntry[];
}

interface WeightSource {
  /** The checkpoint's name, for errors. */
  readonly checkpoint: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Those that are stored otherwise than their tensors. */
  readonly matrices: ReadonlyMap<string, Matrix>;
  readonly precision: Precision;
  readonly read: Set<string>;
}

export class Weights {
  readonly #source: WeightSource;
  readonly #path: string;

  private constructor(source: WeightSource, path: string) {
    this.#source = source;
    this.#path = path;
  }

  /** `matrices`: quantized ones, by the names of their tensors; one that is also read as a tensor is in both. */
  static of(
    checkpoint: string,
    tensors: ReadonlyMap<string, TensorEntry>,
    stored: { readonly matrices?: ReadonlyMap<string, Matrix>; readonly precision?: Precision } = {},
  ): Weights {
    const { matrices = new Map<string, Matrix>(), precision = fp32Precision } = stored;
    return new Weights({ checkpoint, tensors, matrices, precision, read: new Set() }, "");
  }

  /** The checkpoint's name, for errors. */
  get name(): string {
    return this.#source.checkpoint;
  }

  /** What a part of the model computes in: its hidden states, and its keys and values. */
  activations(part: ModelPart): "float32" | "float16" {
    return this.#source.precision[part] === "fp16" ? "float16" : "float32";
  }

  /** The weights below a path: at("encoder").at("layers.0") is at("encoder.layers.0"). */
  at(path: string): Weights {
    return new Weights(this.#source, this.#full(path));
  }

  has(name: string): boolean {
    const full = this.#full(name);
    return this.#source.tensors.has(full) || this.#source.matrices.has(full);
  }

  /** A linear layer's matrix in the precision it was prepared in. */
  matrix(name: string, shape: readonly [to: number, from: number]): Matrix {
    const { checkpoint, matrices, read } = this.#source;
    const full = this.#full(name);
    const matrix = matrices.get(full);
    if (matrix === undefined) {
      const weight = this.tensor(name, shape);
      return { kind: floatKind(weight), shape, weight };
    }
    checkShape(checkpoint, { name: full, shape: matrix.shape }, shape);
    read.add(full);
    return matrix;
  }

  /** A tensor of exactly this shape. It is F32 or, in a part that is fp16, F16: float-weights.ts has converted what was not. */
  tensor(name: string, shape: readonly number[]): TensorEntry {
    const { checkpoint, tensors, read } = this.#source;
    const full = this.#full(name);
    const entry = tensors.get(full);
    if (entry === undefined) {
      throw new CheckpointError(
        `${checkpoint}: no tensor "${full}", expected one of shape [${shape.join(", ")}]. ` +
          "Is a shard missing, or is this the config of another checkpoint?",
      );
    }
    checkShape(checkpoint, { name: full, shape: entry.shape }, shape);
    if (entry.dtype !== "F32" && entry.dtype !== "F16") {
      throw new CheckpointError(
        `${checkpoint}: tensor "${full}" is stored as ${entry.dtype}, expected ${FLOATS.join(", ")}.`,
      );
    }
    read.add(full);
    return entry;
  }

  /** On disk, of what was asked for: of the whole checkpoint. */
  get readBytes(): number {
    const { tensors, matrices, read } = this.#source;
    const entries = [...read].flatMap((name) => [
      ...(matrices.has(name) ? entriesOf(matrices.get(name)!) : []),
      ...(tensors.has(name) ? [tensors.get(name)!] : []),
    ]);
    return entries.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Tensors that nobody has asked for, of the whole checkpoint. */
  unread(): readonly string[] {
    const { tensors, matrices, read } = this.#source;
    return [...new Set([...tensors.keys(), ...matrices.keys()])].filter((name) => !read.has(name));
  }

  /** What was asked for at or below this path, in the order of names. */
  used(): readonly UsedWeight[] {
    const { tensors, matrices, read } = this.#source;
    const below = [...read].filter((name) => name.startsWith(this.#full(""))).sort();
    return below.map((name) => {
      const matrix = matrices.get(name);
      if (matrix !== undefined) return { name, kind: matrix.kind, entries: entriesOf(matrix) };
      const tensor = tensors.get(name)!;
      return { name, kind: floatKind(tensor), entries: [tensor] };
    });
  }

  #full(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }
}

function floatKind({ dtype }: TensorEntry): "fp32" | "fp16" {
  return dtype === "F16" ? "fp16" : "fp32";
}

function entriesOf(matrix: Matrix): readonly TensorEntry[] {
  return "scales" in matrix ? [matrix.weight, matrix.scales] : [matrix.weight];
}

function checkShape(
  checkpoint: string,
  { name, shape }: { readonly name: string; readonly shape: readonly number[] },
  expected: readonly number[],
): void {
  if (shape.join() === expected.join()) return;
  const found = `[${shape.join(", ")}]`;
  throw new CheckpointError(
    `${checkpoint}: tensor "${name}" has shape ${found}, expected [${expected.join(", ")}]. ${question(name)}`,
  );
}

/** What to look at when a shape is not the expected one. */
function question(name: string): string {
  if (name.endsWith("position_embedding"))
    return "Is image_size in config.json the one the checkpoint was trained with?";
  if (name.startsWith("language_model.model.")) return "Is this the config of another OPT size?";
  if (name.startsWith("language_model.")) return "Is this the config of another T5 size?";
  return "Is this the config of another checkpoint?";
}
