/**
 * What each sequence of a batch reads besides its own tokens: T5's keys and values of source tokens, and their mask.
 * Computed once and never written; only a finished sequence leaves, as in the KV cache.
 */
import type { Tensor } from "onnxruntime-node";
import { float32Tensor, floats } from "../runtime.ts";
import type { Feeds } from "../runtime.ts";

export class SourceCache {
  /** Of all sequences there were; those at hand come first. */
  readonly #tensors: Feeds;
  #feeds: Feeds;
  #sequences: number;

  /** Tensors [sequences, ...] by the decoder's names, taken over as they are: their numbers will move. */
  constructor(tensors: Feeds, sequences: number) {
    this.#tensors = tensors;
    this.#feeds = tensors;
    this.#sequences = sequences;
  }

  /** The tensors of the sequences at hand; nothing is copied, nor made anew before a sequence leaves. */
  feeds(): Feeds {
    return this.#feeds;
  }

  /** Takes a sequence out; the last one moves to its index. */
  remove(sequence: number): void {
    this.#sequences -= 1;
    const left = ([name, tensor]: [string, Tensor]): [string, Tensor] => {
      const numbers = floats(tensor);
      const shape = tensor.dims.slice(1);
      const size = shape.reduce((product, length) => product * length, 1);
      numbers.copyWithin(sequence * size, this.#sequences * size, (this.#sequences + 1) * size);
      return [name, float32Tensor(numbers.subarray(0, this.#sequences * size), [this.#sequences, ...shape])];
    };
    this.#feeds = Object.fromEntries(Object.entries(this.#tensors).map(left));
  }
}
