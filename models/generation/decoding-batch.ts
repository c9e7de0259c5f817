/**
 * A batch of sequences being decoded: feeds the decoder its new tokens, says with the mask which of them sees what, and
 * keeps their keys and values.
 */
import type { Tensor } from "onnxruntime-node";
import { float32Tensor } from "../runtime.ts";
import { runDecoder } from "./decoder.ts";
import type { Decoder, DecoderOutput } from "./decoder.ts";
import { KvCache } from "./kv-cache.ts";
import type { NewKeysAndValues } from "./kv-cache.ts";
import { MASKED } from "./mask.ts";
import type { Continuation } from "./search.ts";
import type { SourceCache } from "./source-cache.ts";

interface Sequence {
  /** Text position of the next token. */
  position: number;
  /** Text positions of the filled places. */
  readonly places: number[];
  /** Places that every beam sees: the prompt. */
  shared: number;
  /** Places of each beam's own tokens. */
  beams: readonly (readonly number[])[];
}

/** Keys and values of what texts begin with, computed once for all of them: an image, and words that follow it. */
export interface Prefix {
  readonly cached: NewKeysAndValues;
  readonly row: number;
  readonly length: number;
}

export class DecodingBatch {
  readonly #decoder: Decoder;
  readonly #cache: KvCache;
  readonly #source: SourceCache | null;
  readonly #sequences: Sequence[] = [];

  /** `source`: of an encoder-decoder, with as many sequences as there will be prompts, in their order. */
  constructor(
    decoder: Decoder,
    size: { readonly batch: number; readonly capacity: number },
    source: SourceCache | null = null,
  ) {
    this.#decoder = decoder;
    this.#cache = new KvCache(decoder.shape, size, decoder.memory);
    this.#source = source;
  }

  /**
   * Adds a sequence for each prompt behind those at hand, which wait, and runs their tokens; gives the hidden state of each
   * last token, [prompts, width]. `source` has those of these prompts, where the decoder has one.
   */
  async begin(
    prompts: readonly { readonly prefix: Prefix | null; readonly tokens: readonly number[] }[],
  ): Promise<Float32Array> {
    const first = this.#sequences.length;
    for (const { prefix } of prompts) {
      const sequence = this.#cache.add();
      if (prefix !== null) this.#cache.append(sequence, prefix.cached, { row: prefix.row, count: prefix.length });
      const shared = this.#cache.length(sequence);
      const places = Array.from({ length: shared }, (_, place) => place);
      this.#sequences.push({ position: shared, places, shared, beams: [[]] });
    }
    const longest = Math.max(...prompts.map(({ tokens }) => tokens.length));
    const keys = this.#cache.capacity + longest;
    const mask = this.#mask(prompts.length * longest * keys);
    const ids: number[] = [];
    const positions: number[] = [];
    for (const [index, { tokens }] of prompts.entries()) {
      const { shared } = this.#sequences[first + index]!;
      for (let token = 0; token < longest; token += 1) {
        // Filling behind a short prompt repeats its last token and place: never read, but it must be a token and a place.
        ids.push(tokens[Math.min(token, tokens.length - 1)]!);
        positions.push(shared + Math.min(token, tokens.length - 1));
        const row = (index * longest + token) * keys;
        mask.fill(0, row, row + shared);
        mask.fill(0, row + this.#cache.capacity, row + this.#cache.capacity + token + 1);
      }
    }

    const { hidden, cached } = await this.#run({ ids, positions, mask, first });
    const { width } = this.#decoder;
    const last = new Float32Array(prompts.length * width);
    for (const [index, { tokens }] of prompts.entries()) {
      const sequence = this.#sequences[first + index]!;
      this.#cache.append(first + index, cached, { row: index, count: tokens.length });
      for (let token = 0; token < tokens.length; token += 1) sequence.places.push(sequence.position + token);
      sequence.position += tokens.length;
      sequence.shared = sequence.places.length;
      const at = (index * longest + tokens.length - 1) * width;
      last.set(hidden.subarray(at, at + width), index * width);
    }
    return last;
  }

  /** Sequences at hand. */
  get sequences(): number {
    return this.#sequences.length;
  }

  /** A sequence's prompt, for another one that begins with it. */
  promptOf(sequence: number): Prefix {
    const { shared: length } = this.#sequences[sequence]!;
    return { cached: this.#cache.copy(sequence, length), row: 0, length };
  }

  /** One more token for each beam of each sequence; gives the hidden states, beam after beam, [beams of all, width]. */
  async step(continuations: readonly (readonly Continuation[])[]): Promise<Float32Array> {
    const most = Math.max(...continuations.map((beams) => beams.length));
    const { capacity } = this.#cache;
    const keys = capacity + most;
    const mask = this.#mask(continuations.length * most * keys);
    const ids: number[] = [];
    const positions: number[] = [];
    for (const [index, beams] of continuations.entries()) {
      const sequence = this.#sequences[index]!;
      for (let beam = 0; beam < most; beam += 1) {
        const { token, parent } = beams[beam] ?? beams[0]!;
        ids.push(token);
        positions.push(sequence.position);
        const row = (index * most + beam) * keys;
        mask.fill(0, row, row + sequence.shared);
        for (const place of sequence.beams[parent]!) mask[row + place] = 0;
        mask[row + capacity + beam] = 0;
      }
    }

    const { hidden, cached } = await this.#run({ ids, positions, mask, first: 0 });
    for (const [index, beams] of continuations.entries()) {
      const sequence = this.#sequences[index]!;
      const first = this.#cache.append(index, cached, { row: index, count: beams.length });
      sequence.beams = beams.map(({ parent }, beam) => [...sequence.beams[parent]!, first + beam]);
      for (let beam = 0; beam < beams.length; beam += 1) sequence.places.push(sequence.position);
      sequence.position += 1;
    }
    return withoutFilling(hidden, continuations, most, this.#decoder.width);
  }

  /** Takes a finished sequence out; the last one moves to its index. */
  remove(sequence: number): void {
    this.#cache.remove(sequence);
    this.#source?.remove(sequence);
    const last = this.#sequences.pop()!;
    if (sequence < this.#sequences.length) this.#sequences[sequence] = last;
  }

  /** Everything masked. The numbers are the last mask's, whose run is over: fresh memory is slow, see KvMemory. */
  #mask(length: number): Float32Array {
    return this.#decoder.memory.take("mask", length).fill(MASKED);
  }

  /** The new tokens of the sequences from `first` on. */
  async #run({ ids, positions, mask, first }: NewTokens): Promise<DecoderOutput> {
    const places = this.#sequences.slice(first).map((sequence) => sequence.places);
    const batch = places.length;
    const tokens = ids.length / batch;
    const { capacity } = this.#cache;
    return runDecoder(this.#decoder, {
      embeddings: float32Tensor(await this.#decoder.embed(ids), [batch, tokens, this.#decoder.width]),
      mask: float32Tensor(mask, [batch, 1, tokens, capacity + tokens]),
      ...this.#decoder.positions({ tokens: positions, places, capacity }),
      ...this.#cache.feeds(first),
      ...this.#source?.feeds(first),
    });
  }
}

/** Of each sequence equally many, sequence after sequence. */
interface NewTokens {
  readonly ids: readonly number[];
  readonly positions: readonly number[];
  readonly mask: Float32Array;
  readonly first: number;
}

/** The keys and values of embeddings [images, tokens, width] that texts begin with: a prefix for each image. */
export async function prefixes(decoder: Decoder, embeddings: Tensor): Promise<readonly Prefix[]> {
  const [images = 0, tokens = 0] = embeddings.dims;
  // One place that nothing sees stands for an empty cache: an axis of length 0 is not safe on every provider.
  const cache = new KvCache(decoder.shape, { batch: images, capacity: 1 });
  for (let image = 0; image < images; image += 1) cache.add();
  const mask = new Float32Array(images * tokens * (1 + tokens)).fill(MASKED);
  const positions: number[] = [];
  for (let row = 0; row < images * tokens; row += 1) {
    const token = row % tokens;
    positions.push(token);
    mask.fill(0, row * (1 + tokens) + 1, row * (1 + tokens) + 2 + token);
  }
  const { cached } = await runDecoder(decoder, {
    embeddings,
    ...decoder.positions({ tokens: positions, places: Array.from({ length: images }, () => []), capacity: 1 }),
    mask: float32Tensor(mask, [images, 1, tokens, 1 + tokens]),
    ...cache.feeds(),
  });
  return Array.from({ length: images }, (_, row) => ({ cached, row, length: tokens }));
}

/** Rows of the beams that are there; sequences with fewer than the most were filled up. */
function withoutFilling(
  hidden: Float32Array,
  continuations: readonly (readonly Continuation[])[],
  most: number,
  width: number,
): Float32Array {
  const rows = continuations.reduce((sum, beams) => sum + beams.length, 0);
  if (rows === continuations.length * most) return hidden;
  const kept = new Float32Array(rows * width);
  let row = 0;
  for (const [index, beams] of continuations.entries()) {
    kept.set(hidden.subarray(index * most * width, (index * most + beams.length) * width), row * width);
    row += beams.length;
  }
  return kept;
}
