/**
 * Keys and values of past tokens, for a batch of sequences. Each sequence has a row of places, filled from the left; the
 * decoder's mask says which token sees which place. All beams of a sequence write into its one row, so the prompt is held
 * once and a change of beams moves nothing: it is only another mask.
 *
 *   batch  sequences      heads × head  width of the model      capacity  places of each sequence
 */
import type { Tensor } from "onnxruntime-node";
import { emptyNumbers, freeOutputs, numbersOf, numbersTensor } from "../runtime.ts";
import type { Feeds, FloatType, Numbers } from "../runtime.ts";
import { sharedPrefixes } from "./sequence-cache.ts";
import type { CacheShape, NewKeysAndValues, Places, Prefix, SequenceCache, SequenceCaches } from "./sequence-cache.ts";

/**
 * The arrays of a cache, kept for the next one: fresh memory costs a page fault every four kilobytes, as much time as
 * running the prompts. Serves one cache at a time; what an earlier one wrote stays in unfilled places, where it is masked.
 */
export class KvMemory {
  readonly #floats = new Map<string, Float32Array>();
  readonly #halves = new Map<string, Uint16Array>();

  take(name: string, length: number): Float32Array {
    const kept = this.#floats.get(name);
    if (kept !== undefined && kept.length >= length) return kept.subarray(0, length);
    const fresh = new Float32Array(length);
    this.#floats.set(name, fresh);
    return fresh;
  }

  /** Of this type; the same name may be kept as both. */
  takeAs(type: FloatType, name: string, length: number): Numbers {
    if (type === "float32") return this.take(name, length);
    const kept = this.#halves.get(name);
    if (kept !== undefined && kept.length >= length) return kept.subarray(0, length);
    const fresh = new Uint16Array(length);
    this.#halves.set(name, fresh);
    return fresh;
  }
}

/** Caches in this memory. */
export function memoryCaches(shape: CacheShape, memory: KvMemory): SequenceCaches {
  return {
    open: (size) => new KvCache(shape, size, memory),
    prefixes: (cached, size) => sharedPrefixes(cached, size, freeOutputs),
  };
}

export class KvCache implements SequenceCache {
  readonly #shape: CacheShape;
  readonly #keys: readonly Numbers[];
  readonly #values: readonly Numbers[];
  readonly #lengths: number[] = [];
  readonly #capacity: number;
  readonly #batch: number;

  constructor(shape: CacheShape, size: { readonly batch: number; readonly capacity: number }, memory = new KvMemory()) {
    this.#shape = shape;
    this.#batch = size.batch;
    this.#capacity = size.capacity;
    const length = size.batch * shape.heads * size.capacity * shape.head;
    const layers = Array.from({ length: shape.layers }, (_, layer) => layer);
    this.#keys = layers.map((layer) => memory.takeAs(shape.type, `keys.${layer}`, length));
    this.#values = layers.map((layer) => memory.takeAs(shape.type, `values.${layer}`, length));
  }

  /** Places a sequence has, filled or not: the decoder's `past` axis. */
  get capacity(): number {
    return this.#capacity;
  }

  get sequences(): number {
    return this.#lengths.length;
  }

  /** Filled places of a sequence. */
  length(sequence: number): number {
    return this.#lengths[sequence]!;
  }

  /** A new, empty sequence; gives its index. */
  add(): number {
    if (this.#lengths.length === this.#batch) throw new Error(`the KV cache holds ${this.#batch} sequences already`);
    return this.#lengths.push(0) - 1;
  }

  begin(prefixes: readonly (Prefix | null)[]): readonly Places[] {
    return prefixes.map((prefix) => {
      const sequence = this.add();
      if (prefix !== null) this.append(sequence, prefix.cached, { row: prefix.row, count: prefix.length });
      return { from: 0, count: this.length(sequence) };
    });
  }

  keep(
    cached: NewKeysAndValues,
    { first, counts }: { readonly first: number; readonly counts: readonly number[] },
  ): readonly number[] {
    const places = counts.map((count, row) => this.append(first + row, cached, { row, count }));
    freeOutputs([...cached.keys, ...cached.values]);
    return places;
  }

  /** Writes new tokens of row `from` behind what a sequence has; gives the place of the first. */
  append(
    sequence: number,
    { keys, values }: NewKeysAndValues,
    from: { readonly row: number; readonly count: number },
  ): number {
    const start = this.length(sequence);
    if (start + from.count > this.#capacity)
      throw new Error(`a sequence outgrew the KV cache of ${this.#capacity} places`);
    for (let layer = 0; layer < this.#shape.layers; layer += 1) {
      this.#copy(keys[layer]!, from, this.#keys[layer]!, sequence, start);
      this.#copy(values[layer]!, from, this.#values[layer]!, sequence, start);
    }
    this.#lengths[sequence] = start + from.count;
    return start;
  }

  /** The first `count` places of a sequence, in arrays of their own: [1, heads, count, head] */
  copy(sequence: number, count: number): NewKeysAndValues {
    const { heads, head, type } = this.#shape;
    const copied = (layers: readonly Numbers[]): Tensor[] =>
      layers.map((rows) => {
        const own = emptyNumbers(type, heads * count * head);
        for (let index = 0; index < heads; index += 1) {
          const at = (sequence * heads + index) * this.#capacity * head;
          own.set(rows.subarray(at, at + count * head), index * count * head);
        }
        return numbersTensor(own, [1, heads, count, head]);
      });
    return { keys: copied(this.#keys), values: copied(this.#values) };
  }

  /** Zeros in all places of a sequence. */
  clear(sequence: number): void {
    const size = this.#shape.heads * this.#capacity * this.#shape.head;
    for (const rows of [...this.#keys, ...this.#values]) rows.fill(0, sequence * size, (sequence + 1) * size);
  }

  /** Takes a sequence out; the last one moves to its index. */
  remove(sequence: number): void {
    const last = this.#lengths.length - 1;
    const size = this.#shape.heads * this.#capacity * this.#shape.head;
    for (const rows of [...this.#keys, ...this.#values])
      rows.copyWithin(sequence * size, last * size, (last + 1) * size);
    this.#lengths[sequence] = this.length(last);
    this.#lengths.pop();
  }

  /** past_keys.i and past_values.i of the sequences from `first` on, as the decoder takes them; nothing is copied. */
  feeds(first = 0): Feeds {
    const { heads, head } = this.#shape;
    const shape = [this.sequences - first, heads, this.#capacity, head];
    const size = heads * this.#capacity * head;
    const feeds: Record<string, Tensor> = {};
    for (let layer = 0; layer < this.#shape.layers; layer += 1) {
      const rows = (layers: readonly Numbers[]): Numbers =>
        layers[layer]!.subarray(first * size, this.sequences * size);
      feeds[`past_keys.${layer}`] = numbersTensor(rows(this.#keys), shape);
      feeds[`past_values.${layer}`] = numbersTensor(rows(this.#values), shape);
    }
    return feeds;
  }

  #copy(
    tensor: Tensor,
    from: { readonly row: number; readonly count: number },
    rows: Numbers,
    sequence: number,
    start: number,
  ): void {
    const { heads, head } = this.#shape;
    const tokens = tensor.dims[2]!;
    const source = numbersOf(tensor);
    for (let index = 0; index < heads; index += 1) {
      const at = (from.row * heads + index) * tokens * head;
      const to = ((sequence * heads + index) * this.#capacity + start) * head;
      rows.set(source.subarray(at, at + from.count * head), to);
    }
  }
}
