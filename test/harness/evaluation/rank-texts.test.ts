/** Looking an image up among texts: order, ties, images that fail. The scorer is a table of numbers. */
import assert from "node:assert/strict";
import { rankTexts, readGallery } from "../../../harness/evaluation/retrieval/rank-texts.ts";
import type { ImageTextScorer } from "../../../models/model.ts";

/** Image n is as similar to text m as `similarities[n][m]`, and matches it with `logits[n][m]`. A text is its number. */
function tableScorer(
  similarities: readonly (readonly number[])[],
  logits: readonly (readonly number[])[],
): ImageTextScorer & { readonly matched: number[][]; readonly forgotten: string[] } {
  const [matched, forgotten]: [number[][], string[]] = [[], []];
  return {
    kind: "retrieval",
    name: "table",
    matched,
    forgotten,
    embedImages: (images) =>
      Promise.resolve(
        images.map(({ id }) =>
          id in similarities
            ? { status: "embedded", vectors: Float32Array.of(Number(id)), latencyMs: { vision: 2 } }
            : { status: "failed", error: `${id}: no such file` },
        ),
      ),
    readTexts: (texts) => Promise.resolve(texts.map((text) => [Number(text)])),
    embedTexts: (texts) => Promise.resolve(Float32Array.from(texts.flat())),
    compare: (images) => Promise.resolve(Float32Array.from(images.flatMap(([image]) => similarities[image!]!))),
    match: ({ id }, texts) => {
      matched.push(texts.map(([text]) => text!));
      const of = Float32Array.from(texts.map(([text]) => logits[Number(id)]![text!]!));
      return Promise.resolve({ status: "matched", logits: of, probabilities: of, latencyMs: { matching: 3 } });
    },
    weighTexts: () => Promise.reject(new Error("not asked for")),
    forget: (images) => void forgotten.push(...images.map(({ id }) => id)),
    release: () => Promise.resolve(),
  };
}

const image = (id: string): { id: string; path: string } => ({ id, path: `${id}.jpg` });

describe("looking images up among texts", () => {
  const similarities = [
    [0.5, 0.25, 0.75, 0],
    [0, 0.5, 0.5, 0.5],
  ];
  const logits = [
    [1, 9, 0.75, 9],
    [9, 1, 2, 2],
  ];

  it("matches the most similar and orders them by logit + similarity; equal ones stand together", async () => {
    const scorer = tableScorer(similarities, logits);
    const gallery = await readGallery(scorer, ["0", "1", "2", "3"], { maxTokens: 4 });
    const images = [image("0"), image("gone"), image("1")];
    const [first, failed, last] = await rankTexts(scorer, gallery, { images, rerank: 2, shown: 10 });
    assert.deepEqual(scorer.matched, [
      [0, 2],
      [1, 2],
    ]); // of equally similar ones the first of the gallery
    assert.ok(first?.status === "ranked" && last?.status === "ranked");
    assert.deepEqual([first.texts, first.pairs], [[[0, 2]], 2]); // 1 + 0.5 = 0.75 + 0.75
    assert.deepEqual(last.texts, [[2], [1]]);
    assert.deepEqual(failed, { status: "failed", error: "gone: no such file" });
    assert.deepEqual(Object.keys(first.latencyMs), ["vision", "compare", "matching"]);
    assert.deepEqual(scorer.forgotten, ["0", "gone", "1"]);
  });

  it("orders by similarity alone where nothing is to be matched, and shows as many as are asked for", async () => {
    const scorer = tableScorer(similarities, logits);
    const gallery = await readGallery(scorer, ["0", "1", "2", "3"], { maxTokens: 4 });
    const ranked = await rankTexts(scorer, gallery, { images: [image("0"), image("1")], rerank: 0, shown: 3 });
    const texts = ranked.map((each) => each.status === "ranked" && each.texts);
    assert.deepEqual(texts, [[[2], [0], [1]], [[1, 2, 3]]]);
    assert.deepEqual(scorer.matched, []);
  });
});
