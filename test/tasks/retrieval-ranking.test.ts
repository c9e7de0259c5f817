/** Candidates and re-ranked scores against a plain version that sorts whole rows and fills whole matrices. */
import assert from "node:assert/strict";
import {
  candidateCounts,
  candidates,
  rerankedScores,
  similarityScores,
  textsToMatch,
} from "../../tasks/metrics/retrieval-ranking.ts";
import type { Similarities } from "../../tasks/metrics/retrieval-ranking.ts";

/** Similarities with many ties: eighths. */
function similaritiesOf(images: number, texts: number): Similarities {
  const values = Float32Array.from({ length: images * texts }, (_, at) => ((at * 7919 + (at % 5) * 31) % 17) / 8);
  return { values, images, texts };
}

/** Every logit there could be, [images][texts]. */
function logitsOf({ images, texts }: Similarities): readonly Float32Array[] {
  return Array.from({ length: images }, (_, image) =>
    Float32Array.from({ length: texts }, (_, text) => Math.fround(Math.sin(image * 100 + text))),
  );
}

describe("retrieval ranking", () => {
  for (const [images, texts, rerank] of [
    [7, 20, 3],
    [5, 6, 6],
    [3, 4, 128],
    [1, 1, 1],
    [6, 9, 0],
  ] as const) {
    it(`re-ranks the best ${rerank} of ${images} images and ${texts} texts as whole matrices would`, () => {
      const similarities = similaritiesOf(images, texts);
      const logits = logitsOf(similarities);
      const found = candidates(similarities, rerank);
      const pairs = textsToMatch(found);
      const matched = pairs.map((own, image) => ({
        texts: own,
        logits: Float32Array.from(own, (text) => logits[image]![text]!),
      }));
      const scores = rerankedScores(similarities, found, matched);

      const row = (image: number) => similarities.values.slice(image * texts, (image + 1) * texts);
      const column = (text: number) => Float32Array.from({ length: images }, (_, image) => row(image)[text]!);
      for (let image = 0; image < images; image += 1) {
        const best = plainBest(row(image), rerank);
        assert.deepEqual([...found.imageToText[image]!], best);
        const expected = new Float32Array(texts).fill(-100);
        for (const text of best) expected[text] = row(image)[text]! + logits[image]![text]!;
        assert.deepEqual(scores.imageToText(image), expected);
      }
      for (let text = 0; text < texts; text += 1) {
        const best = plainBest(column(text), rerank);
        assert.deepEqual([...found.textToImage[text]!], best);
        const expected = new Float32Array(images).fill(-100);
        for (const image of best) expected[image] = column(text)[image]! + logits[image]![text]!;
        assert.deepEqual(scores.textToImage(text), expected);
      }
    });
  }

  it("names each pair of either direction once, an image's texts in rising order", () => {
    const imageToText = [Int32Array.of(10, 2), Int32Array.of(3, 0)];
    const textToImage = Array.from({ length: 11 }, () => new Int32Array(0));
    textToImage[2] = Int32Array.of(0, 1);
    textToImage[9] = Int32Array.of(1);
    assert.deepEqual(textsToMatch({ imageToText, textToImage }), [Int32Array.of(2, 10), Int32Array.of(0, 2, 3, 9)]);
  });

  it("reads rows and columns of the similarities", () => {
    const scores = similarityScores({ values: Float32Array.of(1, 2, 3, 4, 5, 6), images: 2, texts: 3 });
    assert.deepEqual(scores.imageToText(1), Float32Array.of(4, 5, 6));
    assert.deepEqual(scores.textToImage(2), Float32Array.of(3, 6));
  });

  it("takes no more candidates than the gallery has, each direction for itself", () => {
    assert.deepEqual(candidateCounts(128, { images: 100, texts: 500 }), { imageToText: 128, textToImage: 100 });
  });

  it("refuses a similarity that is not a number, a pair that was not matched, and a matrix of another size", () => {
    const one = { values: Float32Array.of(NaN, 1), images: 1, texts: 2 };
    assert.throws(() => candidates(one, 1), /^RangeError: a similarity is not a number, so its row has no order$/);
    const two = { values: Float32Array.of(0, 1), images: 1, texts: 2 };
    const found = candidates(two, 1);
    const unmatched = rerankedScores(two, found, [{ texts: Int32Array.of(0), logits: Float32Array.of(1) }]);
    assert.throws(() => unmatched.imageToText(0), /^RangeError: image 0 was not matched with text 1$/);
    const three = { values: Float32Array.of(0), images: 2, texts: 3 };
    assert.throws(() => similarityScores(three), /^RangeError: 1 similarities, expected 2 images x 3 texts$/);
  });
});

function plainBest(scores: Float32Array, count: number): number[] {
  const positions = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
  return positions.slice(0, count).sort((a, b) => a - b);
}
