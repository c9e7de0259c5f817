/**
 * A language model's decoder, whichever it is: a graph that takes new tokens, what their sequences have in the cache and a
 * mask, and gives the tokens' hidden states, keys and values.
 */
import type { Tensor } from "onnxruntime-node";
import { floats } from "../runtime.ts";
import type { Feeds, Session } from "../runtime.ts";
import type { KvMemory } from "./kv-cache.ts";
import type { CacheShape, NewKeysAndValues, SequenceCaches } from "./sequence-cache.ts";

/** Where the new tokens of a run, and what their sequences have in the cache, stand in their texts. */
export interface TextPositions {
  /** Of the new tokens, sequence after sequence: [batch, tokens] */
  readonly tokens: readonly number[];
  /** Of each sequence's filled places. */
  readonly places: readonly (readonly number[])[];
  /** Places of each sequence that are read, filled or not. */
  readonly past: number;
}

/** A decoder's graphs and the sizes of its cache. */
export interface Decoder {
  readonly shape: CacheShape;
  readonly outputs: OutputNames;
  readonly caches: SequenceCaches;
  /** Of the one batch that is being decoded. */
  readonly memory: KvMemory;
  readonly width: number;
  readonly session: Session;
  /** Token ids to embeddings [tokens, width]. */
  readonly embed: (tokens: readonly number[]) => Promise<Float32Array>;
  /** Positions as the decoder takes them: each token's own (OPT), or how far each key is from each token (T5). */
  readonly positions: (positions: TextPositions) => Feeds;
}

/** What a decoder calls its new keys and values, by layer; those before and the new ones where they stay on a device. */
export interface OutputNames {
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

export function outputNames({ layers }: CacheShape): OutputNames {
  const named = (name: string): readonly string[] => Array.from({ length: layers }, (_, layer) => `${name}.${layer}`);
  return { keys: named("keys"), values: named("values") };
}

export interface DecoderOutput {
  readonly hidden: Float32Array;
  readonly cached: NewKeysAndValues;
}

/** The hidden states alone, for tokens that nothing will follow. */
export async function runDecoderOnce({ session }: Decoder, feeds: Feeds): Promise<Float32Array> {
  const { hidden } = await session.run(feeds, ["hidden"]);
  return floats(hidden);
}

export async function runDecoder(
  { session, outputs: { keys, values } }: Decoder,
  feeds: Feeds,
): Promise<DecoderOutput> {
  const outputs = await session.run(feeds, ["hidden", ...keys, ...values]);
  const named = (names: readonly string[]): Tensor[] => names.map((name) => outputs[name]!);
  return { hidden: floats(outputs["hidden"]!), cached: { keys: named(keys), values: named(values) } };
}
