/**
 * Keys and values of past tokens, for a batch of sequences. Each sequence has a row of places, filled from the left; the
 * decoder's mask says which token sees which place. All beams of a sequence write into its one row, so the prompt is held
 * once and a change of beams moves nothing: it is only another mask.
 *
 *   places  of each sequence      columns  one a sequence at hand, of heads × head numbers, the width of the model
 *
 * Memory lies [places, columns, heads, head]: a decoder is given the places that are filled, a piece of it that grows from
 * step to step without a copy.
 */
import type { Tensor } from "onnxruntime-node";
import { emptyNumbers, freeOutputs, numbersOf, numbersTensor } from "../runtime.ts";
import type { Feeds, FloatType, Numbers } from "../runtime.ts";
import { pastNames, sharedPrefixes } from "./sequence-cache.ts";
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
    nothing: (sequences) => {
      const { type, heads, head } = shape;
      const zeros = numbersTensor(emptyNumbers(type, sequences * heads * head), [1, sequences, heads, head]);
      return pastFeeds(shape, () => zeros);
    },
    open: (size) => new KvCache(shape, size, memory),
    prefixes: (cached, size) => sharedPrefixes(cached, size, freeOutputs),
  };
}

export class KvCache implements SequenceCache {
  readonly #shape: CacheShape;
  /** By the decoder's names: each layer's keys, and its values. */
  readonly #memory: ReadonlyMap<string, Numbers>;
  readonly #lengths: number[] = [];
  readonly #capacity: number;
  readonly #batch: number;
  /** Numbers of a place of a sequence. */
  readonly #width: number;
  /** Of the memory; at least as many as there are sequences, which take the first ones. */
  #columns = 0;

  constructor(shape: CacheShape, size: { readonly batch: number; readonly capacity: number }, memory = new KvMemory()) {
    this.#shape = shape;
    this.#batch = size.batch;
    this.#capacity = size.capacity;
    this.#width = shape.heads * shape.head;
    const length = size.batch * size.capacity * this.#width;
    this.#memory = new Map(pastNames(shape).map((name) => [name, memory.takeAs(shape.type, name, length)]));
  }

  /** At least one, though nothing is filled: an axis of length 0 is not safe everywhere. */
  places(first = 0): number {
    return Math.max(1, ...this.#lengths.slice(first));
  }

  get sequences(): number {
    return this.#lengths.length;
  }

  /** Filled places of a sequence. */
  length(sequence: number): number {
    return this.#lengths[sequence]!;
  }

  begin(prefixes: readonly (Prefix | null)[]): readonly Places[] {
    const first = this.sequences;
    const all = first + prefixes.length;
    if (all > this.#batch) throw new Error(`the KV cache holds ${this.#batch} sequences, not ${all}`);
    if (all > this.#columns) this.#lay(all);
    for (const prefix of prefixes) this.#lengths.push(prefix?.length ?? 0);
    for (const [index, prefix] of prefixes.entries()) {
      if (prefix !== null)
        this.#write(prefix.cached, { row: prefix.row, count: prefix.length, to: first + index, at: 0 });
    }
    return prefixes.map((prefix) => ({ from: 0, count: prefix?.length ?? 0 }));
  }

  keep(
    cached: NewKeysAndValues,
    { first, counts }: { readonly first: number; readonly counts: readonly number[] },
  ): readonly number[] {
    const places = counts.map((count, row) => {
      const at = this.length(first + row);
      if (at + count > this.#capacity) throw new Error(`a sequence outgrew the KV cache of ${this.#capacity} places`);
      this.#write(cached, { row, count, to: first + row, at });
      this.#lengths[first + row] = at + count;
      return at;
    });
    freeOutputs([...cached.keys, ...cached.values]);
    return places;
  }

  /** The first `count` places of a sequence, in arrays of their own: [count, 1, heads, head] */
  copy(sequence: number, count: number): NewKeysAndValues {
    const { layers, heads, head, type } = this.#shape;
    const copied = (name: string): Tensor => {
      const own = emptyNumbers(type, count * this.#width);
      this.#gather(this.#memory.get(name)!, { places: count, first: sequence, end: sequence + 1 }, own);
      return numbersTensor(own, [count, 1, heads, head]);
    };
    const each = (part: string): Tensor[] => Array.from({ length: layers }, (_, layer) => copied(`${part}.${layer}`));
    return { keys: each("past_keys"), values: each("past_values") };
  }

  /** Zeros in all places of a sequence. */
  clear(sequence: number): void {
    for (const numbers of this.#memory.values()) {
      for (let place = 0; place < this.#capacity; place += 1) {
        const at = (place * this.#columns + sequence) * this.#width;
        numbers.fill(0, at, at + this.#width);
      }
    }
  }

  /** Takes a sequence out; the last one moves to its index. Its column stays for a next one, or until the others are fed. */
  remove(sequence: number): void {
    const last = this.sequences - 1;
    const length = this.#lengths.pop()!;
    if (sequence === last) return;
    this.#lengths[sequence] = length;
    for (const numbers of this.#memory.values()) {
      for (let place = 0; place < length; place += 1) {
        const from = (place * this.#columns + last) * this.#width;
        numbers.copyWithin((place * this.#columns + sequence) * this.#width, from, from + this.#width);
      }
    }
  }

  /**
   * past_keys.i and past_values.i of the sequences from `first` on, [places, sequences, heads, head]. Those of all sequences
   * are a piece of the memory itself; those of the last are copied.
   */
  feeds(first = 0): Feeds {
    const { heads, head, type } = this.#shape;
    if (first === 0 && this.sequences < this.#columns) this.#lay(this.sequences);
    const places = this.places(first);
    const sequences = this.sequences - first;
    return pastFeeds(this.#shape, (name) => {
      const all = this.#memory.get(name)!;
      const length = places * sequences * this.#width;
      const own = first === 0 ? all.subarray(0, length) : emptyNumbers(type, length);
      if (first > 0) this.#gather(all, { places, first, end: this.sequences }, own);
      return numbersTensor(own, [places, sequences, heads, head]);
    });
  }

  /** Columns from `first` to before `end` of so many places. */
  #gather(
    from: Numbers,
    { places, first, end }: { readonly places: number; readonly first: number; readonly end: number },
    to: Numbers,
  ): void {
    const size = (end - first) * this.#width;
    for (let place = 0; place < places; place += 1) {
      const at = (place * this.#columns + first) * this.#width;
      to.set(from.subarray(at, at + size), place * size);
    }
  }

  /** Moves what the sequences have so that so many columns lie side by side: more from the last place on, fewer from the first. */
  #lay(columns: number): void {
    const places = Math.max(0, ...this.#lengths);
    const [before, size] = [this.#columns * this.#width, this.sequences * this.#width];
    const after = columns * this.#width;
    for (const numbers of this.#memory.values()) {
      for (let step = 1; step < places; step += 1) {
        const place = after > before ? places - step : step;
        numbers.copyWithin(place * after, place * before, place * before + size);
      }
    }
    this.#columns = columns;
  }

  /** `count` tokens of a row of what a decoder gave, to the places of a sequence from `at` on. */
  #write(
    { keys, values }: NewKeysAndValues,
    { row, count, to, at }: { readonly row: number; readonly count: number; readonly to: number; readonly at: number },
  ): void {
    const width = this.#width;
    for (const [part, tensors] of [
      ["past_keys", keys],
      ["past_values", values],
    ] as const) {
      for (const [layer, tensor] of tensors.entries()) {
        const numbers = this.#memory.get(`${part}.${layer}`)!;
        const given = numbersOf(tensor);
        const rows = tensor.dims[1]!;
        for (let token = 0; token < count; token += 1) {
          const from = (token * rows + row) * width;
          numbers.set(given.subarray(from, from + width), ((at + token) * this.#columns + to) * width);
        }
      }
    }
  }
}

function pastFeeds({ layers }: CacheShape, tensor: (name: string) => Tensor): Feeds {
  return Object.fromEntries(pastNames({ layers }).map((name) => [name, tensor(name)]));
}
