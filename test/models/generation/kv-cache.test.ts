/** The cache in this process's memory, and whose memory is given back when. */
import assert from "node:assert/strict";
import type { Tensor } from "onnxruntime-node";
import { KvCache, KvMemory, memoryCaches } from "../../../models/generation/kv-cache.ts";
import type { CacheShape, NewKeysAndValues } from "../../../models/generation/sequence-cache.ts";
import { uniformNumbers } from "../../../models/checkpoint/random-numbers.ts";
import { float32Tensor, floats, freeOutputs } from "../../../models/runtime.ts";

const shape: CacheShape = { type: "float32", layers: 2, heads: 2, head: 3 };

/** [tokens, batch, heads, head] for each layer; every number is another one. */
let next = 1;

function outputs(batch: number, tokens: number): NewKeysAndValues {
  const tensor = (): Tensor => {
    const numbers = Float32Array.from({ length: batch * shape.heads * tokens * shape.head }, () => next++);
    return float32Tensor(numbers, [tokens, batch, shape.heads, shape.head]);
  };
  const layers = (): Tensor[] => Array.from({ length: shape.layers }, tensor);
  return { keys: layers(), values: layers() };
}

function buffersOf({ keys, values }: NewKeysAndValues): ArrayBufferLike[] {
  return [...keys, ...values].map((tensor) => floats(tensor).buffer);
}

/** A sequence's keys and values, each a list of places by layer: the plain way to keep them. */
interface Plain {
  readonly length: number;
  readonly tensors: readonly (readonly (readonly number[])[])[];
}

const none = (): Plain => ({ length: 0, tensors: Array.from({ length: 2 * shape.layers }, () => []) });

function tokensOf(
  { keys, values }: NewKeysAndValues,
  { row, length }: { readonly row: number; readonly length: number },
): Plain {
  const width = shape.heads * shape.head;
  const tensors = [...keys, ...values].map((tensor) =>
    Array.from({ length }, (_, token) => {
      const at = (token * tensor.dims[1]! + row) * width;
      return [...floats(tensor).subarray(at, at + width)];
    }),
  );
  return { length, tensors };
}

function followed(first: Plain, then: Plain): Plain {
  const tensors = first.tensors.map((places, index) => [...places, ...then.tensors[index]!]);
  return { length: first.length + then.length, tensors };
}

function assertFed(cache: KvCache, sequences: readonly Plain[], first: number): void {
  const feeds = cache.feeds(first);
  const layers = Array.from({ length: shape.layers }, (_, layer) => layer);
  const fed = {
    keys: layers.map((layer) => feeds[`past_keys.${layer}`]!),
    values: layers.map((layer) => feeds[`past_values.${layer}`]!),
  };
  const own = sequences.slice(first);
  const places = Math.max(1, ...own.map(({ length }) => length));
  for (const tensor of [...fed.keys, ...fed.values]) {
    assert.deepEqual(tensor.dims, [places, own.length, shape.heads, shape.head]);
  }
  for (const [row, one] of own.entries()) assert.deepEqual(tokensOf(fed, { row, length: one.length }), one);
}

const bytes = (buffers: readonly ArrayBufferLike[]): number =>
  buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);

describe("freeOutputs", () => {
  it("gives the memory back at once, whatever the garbage collector does", () => {
    const before = process.memoryUsage().arrayBuffers;
    const tensor = float32Tensor(new Float32Array(4_000_000), [4_000_000]);
    const numbers = floats(tensor);
    assert.ok(process.memoryUsage().arrayBuffers - before >= 16_000_000);
    freeOutputs([tensor]);
    assert.equal(numbers.length, 0);
    assert.ok(process.memoryUsage().arrayBuffers - before < 16_000_000);
    assert.throws(() => tensor.data, /disposed/);
  });
});

describe("the KV cache", () => {
  it("feeds what was kept, the places of each sequence in its column, as sequences come and go", () => {
    const uniform = uniformNumbers(7);
    const below = (most: number): number => Math.floor(uniform() * most);
    for (let round = 0; round < 40; round += 1) {
      const cache = new KvCache(shape, { batch: 5, capacity: 30 }, new KvMemory());
      const expected: Plain[] = [];
      for (let step = 0; step < 12; step += 1) {
        const joining = below(1 + 5 - expected.length);
        if (joining > 0) {
          const first = expected.length;
          const made = outputs(2, 3);
          const prefixes = Array.from({ length: joining }, (_, index) => {
            return below(3) === 0 ? null : { cached: made, row: index % 2, length: 1 + below(3) };
          });
          const places = cache.begin(prefixes);
          assert.deepEqual(
            places,
            prefixes.map((prefix) => ({ from: 0, count: prefix?.length ?? 0 })),
          );
          for (const prefix of prefixes) expected.push(prefix === null ? none() : tokensOf(prefix.cached, prefix));
          assertFed(cache, expected, first);
        }
        if (expected.length === 0) continue;
        const made = outputs(expected.length, 2);
        const counts = expected.map(() => 1 + below(2));
        const more = counts.map((count, row) => tokensOf(made, { row, length: count }));
        const lengths = expected.map(({ length }) => length);
        assert.deepEqual(cache.keep(made, { first: 0, counts }), lengths);
        for (const [row, one] of more.entries()) expected[row] = followed(expected[row]!, one);
        for (let leaving = below(3); leaving > 0 && expected.length > 0; leaving -= 1) {
          const gone = below(expected.length);
          cache.remove(gone);
          const last = expected.pop()!;
          if (gone < expected.length) expected[gone] = last;
        }
        if (expected.length > 0) assertFed(cache, expected, 0);
      }
    }
  });

  it("gives a sequence's first places for another that begins alike", () => {
    const cache = new KvCache(shape, { batch: 2, capacity: 8 });
    const cached = outputs(2, 3);
    const expected = tokensOf(cached, { row: 1, length: 2 });
    cache.begin([
      { cached, row: 0, length: 3 },
      { cached, row: 1, length: 3 },
    ]);
    assert.deepEqual(tokensOf(cache.copy(1, 2), { row: 0, length: 2 }), expected);
  });

  it("refuses more sequences or places than it was made for", () => {
    const cache = new KvCache(shape, { batch: 1, capacity: 2 });
    assert.throws(() => cache.begin([null, null]), /holds 1 sequences, not 2/);
    cache.begin([null]);
    assert.throws(() => cache.keep(outputs(1, 3), { first: 0, counts: [3] }), /outgrew the KV cache of 2 places/);
  });

  it("gives the run's own memory back once what it gave is kept", () => {
    const cache = new KvCache(shape, { batch: 2, capacity: 4 });
    cache.begin([null, null]);
    const cached = outputs(2, 1);
    const buffers = buffersOf(cached);
    assert.deepEqual(cache.keep(cached, { first: 0, counts: [1, 1] }), [0, 0]);
    assert.equal(bytes(buffers), 0);
  });

  it("keeps the prefixes of images that ran together until the last of them is forgotten", () => {
    const memory = new KvMemory();
    const caches = memoryCaches(shape, memory);
    const cached = outputs(2, 3);
    const buffers = buffersOf(cached);
    const size = bytes(buffers);
    const [one, two] = caches.prefixes(cached, { images: 2, tokens: 3 });
    const places = caches.open({ batch: 2, capacity: 4 }).begin([one!, two!]);
    assert.deepEqual(places, [
      { from: 0, count: 3 },
      { from: 0, count: 3 },
    ]);
    one!.forget!();
    assert.equal(bytes(buffers), size);
    two!.forget!();
    assert.equal(bytes(buffers), 0);
  });
});
