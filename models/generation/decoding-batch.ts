/**
 * A batch of sequences being decoded: feeds the decoder its new tokens, says with the mask which of them sees what, and
 * keeps their keys and values.
 */
import type { Tensor } from "onnxruntime-node";
import { float32Tensor } from "../runtime.ts";
import type { Feeds } from "../runtime.ts";
import type { BranchToken } from "./candidate-tree.ts";
import { runDecoder, runDecoderOnce } from "./decoder.ts";
import type { Decoder, DecoderOutput } from "./decoder.ts";
import { MASKED } from "./mask.ts";
import type { Continuation } from "./search.ts";
import type { Places, Prefix, SequenceCache, SourceRows } from "./sequence-cache.ts";

interface Sequence {
  /** Text position of the next token. */
  position: number;
  /** Text positions of the places up to the last filled one; any of those that nothing sees. */
  readonly places: number[];
  /** Places that every beam sees: the prompt. */
  readonly shared: Places[];
  /** Places of each beam's own tokens. */
  beams: readonly (readonly number[])[];
}

export class DecodingBatch {
  readonly #decoder: Decoder;
  readonly #cache: SequenceCache;
  readonly #source: SourceRows | null;
  readonly #sequences: Sequence[] = [];

  /** `source`: of an encoder-decoder, with as many sequences as there will be prompts, in their order. */
  constructor(
    decoder: Decoder,
    size: { readonly batch: number; readonly capacity: number },
    source: SourceRows | null = null,
  ) {
    this.#decoder = decoder;
    this.#cache = decoder.caches.open(size);
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
    for (const shared of await this.#cache.begin(prompts.map(({ prefix }) => prefix))) {
      const sequence: Sequence = { position: 0, places: [], shared: [], beams: [[]] };
      for (let token = 0; token < shared.count; token += 1) fillPlace(sequence, shared.from + token, token);
      sequence.shared.push(shared);
      sequence.position = shared.count;
      this.#sequences.push(sequence);
    }
    const longest = Math.max(...prompts.map(({ tokens }) => tokens.length));
    const past = this.#cache.places(first);
    const keys = past + longest;
    const mask = this.#mask(prompts.length * longest * keys);
    const ids: number[] = [];
    const positions: number[] = [];
    for (const [index, { tokens }] of prompts.entries()) {
      const { shared, position } = this.#sequences[first + index]!;
      for (let token = 0; token < longest; token += 1) {
        // Filling behind a short prompt repeats its last token and place: never read, but it must be a token and a place.
        ids.push(tokens[Math.min(token, tokens.length - 1)]!);
        positions.push(position + Math.min(token, tokens.length - 1));
        const row = (index * longest + token) * keys;
        for (const { from, count } of shared) mask.fill(0, row + from, row + from + count);
        mask.fill(0, row + past, row + past + token + 1);
      }
    }

    const { hidden, cached } = await this.#run({ ids, positions, mask, first });
    const { width } = this.#decoder;
    const last = new Float32Array(prompts.length * width);
    const kept = this.#cache.keep(cached, { first, counts: prompts.map(({ tokens }) => tokens.length) });
    for (const [index, { tokens }] of prompts.entries()) {
      const sequence = this.#sequences[first + index]!;
      const from = kept[index]!;
      for (const token of tokens.keys()) fillPlace(sequence, from + token, sequence.position + token);
      sequence.shared.push({ from, count: tokens.length });
      sequence.position += tokens.length;
      const at = (index * longest + tokens.length - 1) * width;
      last.set(hidden.subarray(at, at + width), index * width);
    }
    return last;
  }

  /** Sequences at hand. */
  get sequences(): number {
    return this.#sequences.length;
  }

  /** A sequence's prompt, for another one that begins with it; null where it does not come out of the cache. */
  promptOf(sequence: number): Prefix | null {
    const { shared } = this.#sequences[sequence]!;
    const length = shared.reduce((sum, { count }) => sum + count, 0);
    const cached = this.#cache.copy?.(sequence, length);
    return cached === undefined ? null : { cached, row: 0, length };
  }

  /** One more token for each beam of each sequence; gives the hidden states, beam after beam, [beams of all, width]. */
  async step(continuations: readonly (readonly Continuation[])[]): Promise<Float32Array> {
    const most = Math.max(...continuations.map((beams) => beams.length));
    const past = this.#cache.places(0);
    const keys = past + most;
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
        for (const { from, count } of sequence.shared) mask.fill(0, row + from, row + from + count);
        for (const place of sequence.beams[parent]!) mask[row + place] = 0;
        mask[row + past + beam] = 0;
      }
    }

    const { hidden, cached } = await this.#run({ ids, positions, mask, first: 0 });
    const kept = this.#cache.keep(cached, { first: 0, counts: continuations.map((beams) => beams.length) });
    for (const [index, beams] of continuations.entries()) {
      const sequence = this.#sequences[index]!;
      const first = kept[index]!;
      sequence.beams = beams.map(({ parent }, beam) => [...sequence.beams[parent]!, first + beam]);
      for (const beam of beams.keys()) fillPlace(sequence, first + beam, sequence.position);
      sequence.position += 1;
    }
    return withoutFilling(hidden, continuations, most, this.#decoder.width);
  }

  /**
   * Runs trees of tokens behind the prompts, one for each sequence, and keeps none of them. A token sees its sequence's prompt
   * and the tokens above it. Gives the hidden states, tree after tree, [tokens of all, width].
   */
  async look(trees: readonly (readonly BranchToken[])[]): Promise<Float32Array> {
    const most = Math.max(...trees.map(({ length }) => length));
    const past = this.#cache.places(0);
    const keys = past + most;
    const mask = this.#mask(trees.length * most * keys);
    const ids: number[] = [];
    const positions: number[] = [];
    for (const [index, tree] of trees.entries()) {
      const { shared, position } = this.#sequences[index]!;
      for (let each = 0; each < most; each += 1) {
        // Filling repeats the first token, or is any token where there is none: never read, but it must be a token and a place.
        const { token, depth } = tree[each] ?? tree[0] ?? { token: 0, depth: 0 };
        ids.push(token);
        positions.push(position + depth);
        const row = (index * most + each) * keys;
        for (const { from, count } of shared) mask.fill(0, row + from, row + from + count);
        mask[row + past + each] = 0;
        for (let above = tree[each]?.parent ?? -1; above !== -1; above = tree[above]!.parent)
          mask[row + past + above] = 0;
      }
    }
    const hidden = await runDecoderOnce(this.#decoder, await this.#feeds({ ids, positions, mask, first: 0 }));
    return withoutFilling(hidden, trees, most, this.#decoder.width);
  }

  /** Takes out a sequence whose numbers are none: left in its place they would spoil those of the next, masked or not. */
  discard(sequence: number): void {
    this.#cache.clear?.(sequence);
    this.#source?.clear?.(sequence);
    this.remove(sequence);
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

  async #run(tokens: NewTokens): Promise<DecoderOutput> {
    return runDecoder(this.#decoder, await this.#feeds(tokens));
  }

  /** The new tokens of the sequences from `first` on, as the decoder takes them. */
  async #feeds({ ids, positions, mask, first }: NewTokens): Promise<Feeds> {
    const places = this.#sequences.slice(first).map((sequence) => sequence.places);
    const batch = places.length;
    const tokens = ids.length / batch;
    const past = this.#cache.places(first);
    return {
      embeddings: float32Tensor(await this.#decoder.embed(ids), [batch, tokens, this.#decoder.width]),
      mask: float32Tensor(mask, [batch, 1, tokens, past + tokens]),
      ...this.#decoder.positions({ tokens: positions, places, past }),
      ...(await this.#cache.feeds(first)),
      ...(await this.#source?.feeds(first)),
    };
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
  const mask = new Float32Array(images * tokens * (1 + tokens)).fill(MASKED);
  const positions: number[] = [];
  for (let row = 0; row < images * tokens; row += 1) {
    const token = row % tokens;
    positions.push(token);
    mask.fill(0, row * (1 + tokens) + 1, row * (1 + tokens) + 2 + token);
  }
  const { cached } = await runDecoder(decoder, {
    embeddings,
    ...decoder.positions({ tokens: positions, places: Array.from({ length: images }, () => []), past: 1 }),
    mask: float32Tensor(mask, [images, 1, tokens, 1 + tokens]),
    ...decoder.caches.nothing(images),
  });
  return decoder.caches.prefixes(cached, { images, tokens });
}

/** The next of a sequence's places that a token stands at; those between are not seen. */
function fillPlace({ places }: Sequence, place: number, position: number): void {
  while (places.length < place) places.push(position);
  places.push(position);
}

/** Rows of the beams, or tokens, that are there; sequences with fewer than the most were filled up. */
function withoutFilling(
  hidden: Float32Array,
  continuations: readonly (readonly unknown[])[],
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
