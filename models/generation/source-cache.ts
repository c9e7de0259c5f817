/**
 * What each sequence of a batch reads besides its own tokens: T5's keys and values of source tokens, and their mask.
 * Computed once and never changed; sequences come and go as in the KV cache.
 *
 *   keys and values [sequences, heads, source, head]      mask [sequences, 1, 1, source]
 */
import type { Tensor } from "onnxruntime-node";
import { floatType, numbersOf, numbersTensor } from "../runtime.ts";
import type { Feeds, Numbers } from "../runtime.ts";
import type { KvMemory } from "./kv-cache.ts";
import { MASKED } from "./mask.ts";
import type { SourceRows } from "./sequence-cache.ts";

/** The mask's name; all other tensors are keys and values. */
const MASK = "source_mask";

export interface SourceRoom {
  readonly sequences: number;
  /** Source tokens of the longest sequence. */
  readonly source: number;
  readonly memory: KvMemory;
}

export class SourceCache implements SourceRows {
  /** Of all sequences there may be; those at hand come first. */
  #tensors: Feeds;
  #feeds: Feeds;
  #sequences: number;

  /** Tensors [sequences, ...] by the decoder's names, taken over as they are: their numbers will move. */
  constructor(tensors: Feeds, sequences: number) {
    this.#tensors = tensors;
    this.#feeds = tensors;
    this.#sequences = sequences;
  }

  /** The tensors of the sequences from `first` on; nothing is copied, nor made anew while the same sequences are there. */
  feeds(first = 0): Feeds {
    return first === 0 ? this.#feeds : this.#part(first);
  }

  /** Makes room for sequences to come; those at hand are moved there. */
  makeRoom({ sequences, source, memory }: SourceRoom): void {
    const begun = { tensors: this.#tensors, sequences: this.#sequences };
    const roomy = ([name, tensor]: [string, Tensor]): [string, Tensor] => {
      const shape = [sequences, ...tensor.dims.slice(1)].with(sourceAxis(name), source);
      return [name, numbersTensor(memory.takeAs(floatType(tensor), name, sizeOf(shape)), shape)];
    };
    this.#tensors = Object.fromEntries(Object.entries(begun.tensors).map(roomy));
    this.#sequences = 0;
    this.add(begun.tensors, begun.sequences);
  }

  /** More sequences, behind those at hand. Their source axis may be shorter: what is beyond is masked. */
  add(tensors: Feeds, sequences: number): void {
    for (const [name, room] of Object.entries(this.#tensors)) {
      const [most = 0, ...shape] = room.dims;
      if (this.#sequences + sequences > most) throw new Error(`the source cache has room for ${most} sequences`);
      const size = sizeOf(shape);
      const rows = numbersOf(room).subarray(this.#sequences * size, (this.#sequences + sequences) * size);
      // Keys beyond the source stay whatever an earlier batch left there: numbers, which the mask takes out.
      if (name === MASK) rows.fill(MASKED);
      copyRows(tensors[name]!, rows, { axis: sourceAxis(name), length: room.dims[sourceAxis(name)]! });
    }
    this.#sequences += sequences;
    this.#feeds = this.#part(0);
  }

  /** Zeros in all places of a sequence; its mask stays. */
  clear(sequence: number): void {
    for (const [name, tensor] of Object.entries(this.#tensors)) {
      const size = sizeOf(tensor.dims.slice(1));
      if (name !== MASK) numbersOf(tensor).fill(0, sequence * size, (sequence + 1) * size);
    }
  }

  /** Takes a sequence out; the last one moves to its index. */
  remove(sequence: number): void {
    this.#sequences -= 1;
    for (const tensor of Object.values(this.#tensors)) {
      const size = sizeOf(tensor.dims.slice(1));
      numbersOf(tensor).copyWithin(sequence * size, this.#sequences * size, (this.#sequences + 1) * size);
    }
    this.#feeds = this.#part(0);
  }

  #part(first: number): Feeds {
    const part = ([name, tensor]: [string, Tensor]): [string, Tensor] => {
      const shape = tensor.dims.slice(1);
      const numbers = numbersOf(tensor).subarray(first * sizeOf(shape), this.#sequences * sizeOf(shape));
      return [name, numbersTensor(numbers, [this.#sequences - first, ...shape])];
    };
    return Object.fromEntries(Object.entries(this.#tensors).map(part));
  }
}

function sourceAxis(name: string): number {
  return name === MASK ? 3 : 2;
}

/** Into rows whose `axis` is `length` long, from a tensor where it may be shorter. */
function copyRows(tensor: Tensor, rows: Numbers, { axis, length }: { axis: number; length: number }): void {
  const inner = sizeOf(tensor.dims.slice(axis + 1));
  const own = tensor.dims[axis]! * inner;
  const numbers = numbersOf(tensor);
  for (let block = 0; block * own < numbers.length; block += 1) {
    rows.set(numbers.subarray(block * own, (block + 1) * own), block * length * inner);
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
