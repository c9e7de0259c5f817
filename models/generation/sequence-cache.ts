/**
 * What a batch of sequences keeps of past tokens, wherever it lies: in this process's memory (kv-cache.ts), or on the device
 * that computes (device-kv-cache.ts). A sequence has places; which token sees which place is the decoder's mask.
 */
import type { Tensor } from "onnxruntime-node";
import type { Feeds, FloatType } from "../runtime.ts";

export interface CacheShape {
  readonly type: FloatType;
  readonly layers: number;
  readonly heads: number;
  readonly head: number;
}

/** By layer, as a decoder gives them: [tokens, batch, heads, head] in memory, [batch, heads, tokens, head] on a device. */
export interface NewKeysAndValues {
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

/** Keys and values of what texts begin with, computed once for all of them: an image, and words that follow it. */
export interface Prefix {
  readonly cached: NewKeysAndValues;
  readonly row: number;
  readonly length: number;
  /** Frees what no other prefix shares: no text about the image will begin. Unset: nothing is to be freed. */
  readonly forget?: () => void;
}

/** A prefix for each image of the run that made them; `free` gives its memory back when the last image is forgotten. */
export function sharedPrefixes(
  cached: NewKeysAndValues,
  { images, tokens }: { readonly images: number; readonly tokens: number },
  free: (tensors: readonly Tensor[]) => void,
): readonly Prefix[] {
  let left = images;
  const forget = (): void => {
    left -= 1;
    if (left === 0) free([...cached.keys, ...cached.values]);
  };
  return Array.from({ length: images }, (_, row) => ({ cached, row, length: tokens, forget }));
}

export interface Places {
  readonly from: number;
  readonly count: number;
}

export interface SequenceCache {
  /** The decoder's `past` axis in a run of the sequences from `first` on: of each the places up to the last that one has filled. */
  readonly places: (first: number) => number;
  /** New sequences behind those at hand, each with its prefix or nothing; gives the places that the prefixes fill. */
  readonly begin: (prefixes: readonly (Prefix | null)[]) => readonly Places[] | Promise<readonly Places[]>;
  /**
   * Keeps what the decoder gave in a run of the sequences from `first` on, of each so many new tokens; gives the place of the
   * first of each, the others stand behind it.
   */
  readonly keep: (
    cached: NewKeysAndValues,
    run: { readonly first: number; readonly counts: readonly number[] },
  ) => readonly number[];
  /** The first places of a sequence, for another one that begins alike. Unset: they do not come out of where they lie. */
  readonly copy?: (sequence: number, length: number) => NewKeysAndValues;
  /** Zeros in all places of a sequence. Unset: nothing of a sequence stays when it goes. */
  readonly clear?: (sequence: number) => void;
  /** Takes a sequence out; the last one moves to its index. */
  readonly remove: (sequence: number) => void;
  /** past_keys.i and past_values.i of the sequences from `first` on, as the decoder takes them. */
  readonly feeds: (first: number) => Feeds | Promise<Feeds>;
}

/** A model's caches: those of one batch at a time. */
export interface SequenceCaches {
  /** What a decoder reads of sequences that have nothing in a cache: a place each that nothing sees. */
  readonly nothing: (sequences: number) => Feeds;
  readonly open: (size: { readonly batch: number; readonly capacity: number }) => SequenceCache;
  /** From the run that made them behind one place that nothing sees: a prefix for each image. */
  readonly prefixes: (
    cached: NewKeysAndValues,
    size: { readonly images: number; readonly tokens: number },
  ) => readonly Prefix[];
}

/** What each sequence reads besides its own tokens, as it was computed: sequences come and go as in the cache above. */
export interface SourceRows {
  readonly feeds: (first: number) => Feeds | Promise<Feeds>;
  readonly clear?: (sequence: number) => void;
  readonly remove: (sequence: number) => void;
}

/** A decoder's names for what it reads of past tokens. */
export function pastNames({ layers }: Pick<CacheShape, "layers">): readonly string[] {
  return Array.from({ length: layers }, (_, layer) => [`past_keys.${layer}`, `past_values.${layer}`]).flat();
}
