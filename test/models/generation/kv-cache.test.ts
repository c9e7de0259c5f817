/** The cache in this process's memory, and whose memory is given back when. */
import assert from "node:assert/strict";
import type { Tensor } from "onnxruntime-node";
import { KvCache, KvMemory, memoryCaches } from "../../../models/generation/kv-cache.ts";
import type { CacheShape, NewKeysAndValues } from "../../../models/generation/sequence-cache.ts";
import { float32Tensor, floats, freeOutputs } from "../../../models/runtime.ts";

const shape: CacheShape = { type: "float32", layers: 2, heads: 2, head: 3 };

/** [batch, heads, tokens, head] for each layer; every number is another one. */
function outputs(batch: number, tokens: number): NewKeysAndValues {
  let next = 1;
  const tensor = (): Tensor => {
    const numbers = Float32Array.from({ length: batch * shape.heads * tokens * shape.head }, () => next++);
    return float32Tensor(numbers, [batch, shape.heads, tokens, shape.head]);
  };
  const layers = (): Tensor[] => Array.from({ length: shape.layers }, tensor);
  return { keys: layers(), values: layers() };
}

function buffersOf({ keys, values }: NewKeysAndValues): ArrayBufferLike[] {
  return [...keys, ...values].map((tensor) => floats(tensor).buffer);
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
  const oneLayer = (...values: number[]) => {
    const tensor = float32Tensor(Float32Array.from(values), [1, 1, values.length, 1]);
    return { keys: [tensor], values: [tensor] };
  };

  it("gives the places of the sequences that joined, apart from the others", () => {
    const cache = new KvCache(
      { type: "float32", layers: 1, heads: 1, head: 1 },
      { batch: 3, capacity: 2 },
      new KvMemory(),
    );
    for (const [index, value] of [1, 2].entries()) {
      cache.add();
      cache.append(index, oneLayer(value, value), { row: 0, count: 2 });
    }
    cache.remove(0);
    cache.append(cache.add(), oneLayer(3), { row: 0, count: 1 });
    assert.deepEqual([...floats(cache.feeds()["past_keys.0"]!)].slice(0, 3), [2, 2, 3]);
    const joined = cache.feeds(1)["past_values.0"]!;
    assert.deepEqual(joined.dims, [1, 1, 2, 1]);
    assert.equal(floats(joined)[0], 3);
  });

  it("holds what a run gave, and gives the run's own memory back", () => {
    const cache = new KvCache(shape, { batch: 2, capacity: 4 });
    cache.begin([null, null]);
    const cached = outputs(2, 1);
    const firstKey = Float32Array.from(floats(cached.keys[0]!));
    const buffers = buffersOf(cached);
    assert.deepEqual(cache.keep(cached, { first: 0, counts: [1, 1] }), [0, 0]);
    assert.equal(bytes(buffers), 0);
    const kept = floats(cache.feeds()["past_keys.0"]!);
    for (let row = 0; row < 4; row += 1)
      assert.deepEqual(kept.slice(row * 12, row * 12 + 3), firstKey.slice(row * 3, row * 3 + 3));
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
