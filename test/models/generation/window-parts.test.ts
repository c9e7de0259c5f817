/** What a window of questions is answered with: caches that sequences join, images that are let go, words in common. */
import assert from "node:assert/strict";
import { KvMemory } from "../../../models/generation/kv-cache.ts";
import type { LanguageModel } from "../../../models/generation/language-model.ts";
import { MASKED } from "../../../models/generation/mask.ts";
import { commonBeginning } from "../../../models/generation/prompt-groups.ts";
import { SeenImages } from "../../../models/generation/seen-images.ts";
import { SourceCache } from "../../../models/generation/source-cache.ts";
import { float32Tensor, floats } from "../../../models/runtime.ts";

describe("the words in common", () => {
  it("are those that all texts begin with, and leave each at least one", () => {
    const found = (...texts: readonly (readonly number[])[]): readonly number[] => commonBeginning(texts);
    assert.deepEqual(found([2, 7, 8, 9], [2, 7, 5], [2, 7, 8]), [2, 7]);
    assert.deepEqual(found([2, 7, 8], [2, 7, 8]), [2, 7]);
    assert.deepEqual(found([2, 7, 8], [2, 7]), [2]);
    assert.deepEqual(found([2, 7, 8]), [2, 7]);
    assert.deepEqual(found([2], [2]), []);
    assert.deepEqual(found([2, 7], [3, 7]), []);
    assert.deepEqual(found([2, 7, 8, 9, 1], [2, 7, 5], [2, 6, 8, 1]), [2]);
  });
});

describe("the source cache, once it has room", () => {
  const sources = (value: number, sequences: number, source: number) => ({
    source_mask: float32Tensor(new Float32Array(sequences * source), [sequences, 1, 1, source]),
    "source_keys.0": float32Tensor(new Float32Array(sequences * 2 * source).fill(value), [sequences, 2, source, 1]),
  });
  const rows = (cache: SourceCache, first = 0): Record<string, number[]> =>
    Object.fromEntries(Object.entries(cache.feeds(first)).map(([name, tensor]) => [name, [...floats(tensor)]]));

  it("takes sequences with shorter sources, and masks what they do not fill", () => {
    const memory = new KvMemory();
    memory.take("source_keys.0", 100).fill(7); // of an earlier batch
    const cache = new SourceCache(sources(1, 2, 2), 2);
    cache.makeRoom({ sequences: 3, source: 3, memory });
    cache.remove(0);
    cache.add(sources(2, 2, 3), 2);
    assert.deepEqual(rows(cache), {
      source_mask: [0, 0, Math.fround(MASKED), 0, 0, 0, 0, 0, 0],
      "source_keys.0": [1, 1, 7, 1, 1, 7, ...new Array<number>(12).fill(2)],
    });
    assert.deepEqual(rows(cache, 2)["source_mask"], [0, 0, 0]);
    assert.equal(cache.feeds(), cache.feeds());
    assert.throws(() => {
      cache.add(sources(3, 1, 1), 1);
    }, /the source cache has room for 3 sequences/);
  });
});

describe("images the language model has seen", () => {
  const ask = (...images: string[]) =>
    images.map((image) => ({ image, softPrompt: Float32Array.of(Number(image)), tokens: [] }));
  let shown: string[][] = [];
  let seenImages: SeenImages<string>;
  beforeEach(() => {
    shown = [];
    const see: LanguageModel<string>["see"] = (softPrompts, common = []) => {
      shown.push(Array.from(floats(softPrompts), (value) => `${value}:${common.join()}`));
      return Promise.resolve(Array.from(floats(softPrompts), String));
    };
    seenImages = new SeenImages({ see }, { queries: 1 });
    seenImages.open([2, 7]);
  });

  it("are shown together with those of questions to come, each once", async () => {
    assert.deepEqual(await seenImages.show(ask("1", "1", "2", "3", "4"), { needed: 2, most: 3 }), [0, 2, 3]);
    assert.deepEqual(await seenImages.show(ask("2", "3", "4"), { needed: 2, most: 3 }), []);
    assert.deepEqual(await seenImages.show(ask("3", "4"), { needed: 2, most: 3 }), [1]);
    assert.deepEqual(shown, [["1:2,7", "2:2,7", "3:2,7"], ["4:2,7"]]);
    assert.equal(seenImages.of(ask("4")[0]!), "4");
  });

  it("are let go when nothing more is asked of them, and when other words are shared", async () => {
    await seenImages.show(ask("1", "2"), { needed: 2, most: 2 });
    seenImages.keep(new Set(["2"]));
    assert.deepEqual(await seenImages.show(ask("1", "2"), { needed: 2, most: 2 }), [0]);
    seenImages.open([2]);
    assert.deepEqual(await seenImages.show(ask("2"), { needed: 1, most: 2 }), [0]);
    assert.deepEqual(shown.at(-1), ["2:2"]);
  });
});
