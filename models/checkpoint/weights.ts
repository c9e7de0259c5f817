/**
 * What networks read weights through: a path into the checkpoint, as the checkpoint spells it. Remembers what was read,
 * so that loading can insist that every tensor of a checkpoint is used, or known not to be.
 */
import { CheckpointError } from "../model.ts";
import type { TensorEntry } from "./safetensors.ts";

/** A linear layer's matrix, [to, from] in the checkpoint, and how it is stored to be computed with (quantize.ts). */
export type Matrix = { readonly shape: readonly [to: number, from: number] } & (
  | { readonly kind: "fp32"; readonly weight: TensorEntry }
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

interface Source {
  /** The checkpoint's name, for errors. */
  readonly checkpoint: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Those that are not fp32. */
  readonly quantized: ReadonlyMap<string, Matrix>;
  readonly read: Set<string>;
}

export class Weights {
  readonly #source: Source;
  readonly #path: string;

  private constructor(source: Source, path: string) {
    this.#source = source;
    this.#path = path;
  }

  /** `quantized`: matrices by the names of their tensors; one that is also read as a tensor is in both. */
  static of(
    checkpoint: string,
    tensors: ReadonlyMap<string, TensorEntry>,
    quantized: ReadonlyMap<string, Matrix> = new Map(),
  ): Weights {
    return new Weights({ checkpoint, tensors, quantized, read: new Set() }, "");
  }

  /** The checkpoint's name, for errors. */
  get name(): string {
    return this.#source.checkpoint;
  }

  /** The weights below a path: at("encoder").at("layers.0") is at("encoder.layers.0"). */
  at(path: string): Weights {
    return new Weights(this.#source, this.#full(path));
  }

  has(name: string): boolean {
    const full = this.#full(name);
    return this.#source.tensors.has(full) || this.#source.quantized.has(full);
  }

  /** A linear layer's matrix in the precision it was prepared in. */
  matrix(name: string, shape: readonly [to: number, from: number]): Matrix {
    const { checkpoint, quantized, read } = this.#source;
    const full = this.#full(name);
    const matrix = quantized.get(full);
    if (matrix === undefined) return { kind: "fp32", shape, weight: this.tensor(name, shape) };
    checkShape(checkpoint, { name: full, shape: matrix.shape }, shape);
    read.add(full);
    return matrix;
  }

  /** A tensor of exactly this shape. It is F32: what was F16 or BF16, fp32-weights.ts has converted. */
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
    if (entry.dtype !== "F32") {
      throw new CheckpointError(
        `${checkpoint}: tensor "${full}" is stored as ${entry.dtype}, expected F32, F16 or BF16.`,
      );
    }
    read.add(full);
    return entry;
  }

  /** Tensors that nobody has asked for, of the whole checkpoint. */
  unread(): readonly string[] {
    const { tensors, quantized, read } = this.#source;
    return [...new Set([...tensors.keys(), ...quantized.keys()])].filter((name) => !read.has(name));
  }

  /** What was asked for at or below this path, in the order of names. */
  used(): readonly UsedWeight[] {
    const { tensors, quantized, read } = this.#source;
    const below = [...read].filter((name) => name.startsWith(this.#full(""))).sort();
    return below.map((name) => {
      const matrix = quantized.get(name);
      if (matrix === undefined || matrix.kind === "fp32") {
        return { name, kind: "fp32", entries: [matrix?.weight ?? tensors.get(name)!] };
      }
      return { name, kind: matrix.kind, entries: [matrix.weight, matrix.scales] };
    });
  }

  #full(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }
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
