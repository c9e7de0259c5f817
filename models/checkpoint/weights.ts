/**
 * What networks read weights through: a path into the checkpoint, as the checkpoint spells it. Remembers what was read,
 * so that loading can insist that every tensor of a checkpoint is used, or known not to be.
 */
import { CheckpointError } from "../model.ts";
import type { TensorEntry } from "./safetensors.ts";

interface Source {
  /** The checkpoint's name, for errors. */
  readonly checkpoint: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly read: Set<string>;
}

export class Weights {
  readonly #source: Source;
  readonly #path: string;

  private constructor(source: Source, path: string) {
    this.#source = source;
    this.#path = path;
  }

  static of(checkpoint: string, tensors: ReadonlyMap<string, TensorEntry>): Weights {
    return new Weights({ checkpoint, tensors, read: new Set() }, "");
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
    return this.#source.tensors.has(this.#full(name));
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
    if (entry.shape.join() !== shape.join()) {
      const found = `[${entry.shape.join(", ")}]`;
      throw new CheckpointError(
        `${checkpoint}: tensor "${full}" has shape ${found}, expected [${shape.join(", ")}]. ${question(full)}`,
      );
    }
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
    const { tensors, read } = this.#source;
    return [...tensors.keys()].filter((name) => !read.has(name));
  }

  #full(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }
}

/** What to look at when a shape is not the expected one. */
function question(name: string): string {
  if (name.endsWith("position_embedding"))
    return "Is image_size in config.json the one the checkpoint was trained with?";
  if (name.startsWith("language_model.model.")) return "Is this the config of another OPT size?";
  if (name.startsWith("language_model.")) return "Is this the config of another T5 size?";
  return "Is this the config of another checkpoint?";
}
