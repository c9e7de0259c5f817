/**
 * T5's relative positions: a pair of tokens gets a learned bias by how far the key lies from the token that looks at it.
 * Near distances have a bucket each, far ones share buckets that grow with the logarithm of the distance. Raffel et al.
 * 2020, section 2.1; `_relative_position_bucket`, modeling_t5.py:176.
 */
import type { T5Config } from "../checkpoint/config.ts";
import type { TextPositions } from "./decoder.ts";

type Buckets = Pick<T5Config, "buckets" | "maxDistance">;

/** The encoder looks both ways: the bucket of each pair, [tokens, keys], where keys are the tokens themselves. */
export function encoderBuckets(config: Buckets, tokens: number): Int32Array {
  const half = Math.floor(config.buckets / 2);
  const ofDistance = distanceBuckets(half, config.maxDistance);
  return Int32Array.from({ length: tokens * tokens }, (_, pair) => {
    const relative = (pair % tokens) - Math.floor(pair / tokens);
    const bucket = ofDistance[Math.min(Math.abs(relative), config.maxDistance)]!;
    return relative > 0 ? half + bucket : bucket;
  });
}

/** The decoder looks back: the bucket of each pair, [batch, tokens, past + tokens]; places not filled get any. */
export function decoderBuckets(config: Buckets): (positions: TextPositions) => Int32Array {
  const ofDistance = distanceBuckets(config.buckets, config.maxDistance);
  const bucket = (token: number, key: number): number =>
    ofDistance[Math.max(0, Math.min(token - key, config.maxDistance))]!;

  return ({ tokens, places, past }) => {
    const each = tokens.length / places.length;
    const keys = past + each;
    const buckets = new Int32Array(tokens.length * keys);
    for (const [row, position] of tokens.entries()) {
      const sequence = Math.floor(row / each);
      // Beams of a sequence stand at the same place of their texts, so their rows are the same.
      if (row % each !== 0 && tokens[row - 1] === position) {
        buckets.copyWithin(row * keys, (row - 1) * keys, row * keys);
        continue;
      }
      for (const [place, key] of places[sequence]!.entries()) buckets[row * keys + place] = bucket(position, key);
      for (let other = 0; other < each; other += 1) {
        buckets[row * keys + past + other] = bucket(position, tokens[sequence * each + other]!);
      }
    }
    return buckets;
  };
}

/** The bucket of each distance up to `maxDistance`; all beyond share the last. In single precision, as the reference. */
export function distanceBuckets(count: number, maxDistance: number): Int32Array {
  const exact = Math.floor(count / 2);
  const range = Math.fround(Math.log(maxDistance / exact));
  return Int32Array.from({ length: maxDistance + 1 }, (_, distance) => {
    if (distance < exact) return distance;
    const logarithm = Math.fround(Math.log(Math.fround(distance / exact)));
    const far = Math.fround(Math.fround(logarithm / range) * (count - exact));
    return Math.min(exact + Math.floor(far), count - 1);
  });
}
