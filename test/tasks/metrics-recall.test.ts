/**
 * Ranks and recalls against LAVIS's own numbers (fixtures/metrics-vqa/recall.json) and against a plain version that sorts.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Gallery, RetrievalRanks, TieRule } from "../../tasks/metrics/recall.ts";
import { retrievalRanks, retrievalScores } from "../../tasks/metrics/recall.ts";
import { projectUrl } from "../support/project.ts";

interface GoldenCase {
  name: string;
  scores: number[][];
  scores_t2i?: number[][];
  img2txt: number[][];
  txt2img: number[];
  expected: Record<string, number>;
  expectedLowIndexFirst?: Record<string, number>;
  ranks: { image_to_text: number[]; text_to_image: number[] };
}

const golden = JSON.parse(readFileSync(new URL("test/fixtures/metrics-vqa/recall.json", projectUrl), "utf8")) as {
  cases: GoldenCase[];
};

describe("recall", () => {
  for (const golds of golden.cases) {
    it(`gives LAVIS's ranks and recalls for ${golds.name}, the higher index first`, () => {
      const ranks = ranksOfCase(golds, "high-index-first");
      assert.deepEqual([...ranks.imageToText.ranks], golds.ranks.image_to_text);
      assert.deepEqual([...ranks.textToImage.ranks], golds.ranks.text_to_image);
      assert.deepEqual(percentages(ranks), golds.expected);
      const scores = retrievalScores(ranks, galleryOf(golds));
      for (const [ours, theirs] of names) {
        assert.ok(Math.abs(100 * (scores[ours]?.value ?? NaN) - (golds.expected[theirs] ?? NaN)) < 1e-12, ours);
      }
    });

    if (golds.expectedLowIndexFirst !== undefined) {
      it(`gives the other order's recalls for ${golds.name}, the lower index first`, () => {
        const recalls = percentages(ranksOfCase(golds, "low-index-first"));
        for (const [name, value] of Object.entries(golds.expectedLowIndexFirst ?? {})) {
          assert.equal(recalls[name], value, name);
        }
      });
    }

    for (const tieRule of ["pessimistic", "high-index-first", "low-index-first"] as const) {
      it(`agrees with sorting for ${golds.name}, ${tieRule}`, () => {
        const ranks = ranksOfCase(golds, tieRule);
        assert.deepEqual([...ranks.imageToText.ranks], sortedRanks(golds.scores, golds.img2txt, tieRule));
        const right = golds.txt2img.map((image) => [image]);
        assert.deepEqual([...ranks.textToImage.ranks], sortedRanks(textRows(golds), right, tieRule));
      });
    }
  }

  it("agrees with sorting on coarse random scores, every rule and gallery", () => {
    const random = congruential(7);
    for (let round = 0; round < 40; round += 1) {
      const images = 1 + Math.floor(random() * 6);
      const extra = Math.floor(random() * 8);
      const imageOfText = Array.from({ length: images + extra }, (_, text) =>
        text < images ? images - 1 - text : Math.floor(random() * images),
      );
      const scores = Array.from({ length: images }, () => imageOfText.map(() => Math.floor(random() * 4)));
      const right = scores.map((_, image) => imageOfText.flatMap((of, text) => (of === image ? [text] : [])));
      for (const tieRule of ["pessimistic", "high-index-first", "low-index-first"] as const) {
        const { imageToText, textToImage } = ranksOf(scores, transposed(scores), { imageOfText, tieRule });
        assert.deepEqual([...imageToText.ranks], sortedRanks(scores, right, tieRule));
        const images = imageOfText.map((image) => [image]);
        assert.deepEqual([...textToImage.ranks], sortedRanks(transposed(scores), images, tieRule));
      }
    }
  });

  it("finds nothing, by default, where all scores are equal", () => {
    const equal = Array.from({ length: 4 }, () => [0.5, 0.5, 0.5, 0.5]);
    const ranks = ranksOf(equal, equal, { imageOfText: [0, 1, 2, 3] });
    assert.deepEqual([...ranks.imageToText.ranks], [3, 3, 3, 3]);
    assert.deepEqual([...ranks.textToImage.ranks], [3, 3, 3, 3]);
  });

  it("does not count an image's own texts against each other", () => {
    const ranks = ranksOf([[0.9, 0.9, 0.9, 0.1]], [[1], [1], [1], [1]], { imageOfText: [0, 0, 0, 0] });
    assert.deepEqual([...ranks.imageToText.ranks], [0]);
    assert.equal(ranks.imageToText.ties, 0);
  });

  it("counts the rows a tie rule decided, and no other ties", () => {
    const scores = [
      [0.5, 0.5, 0.1],
      [0.9, 0.3, 0.9],
      [0.2, 0.2, 0.8],
    ];
    const { imageToText } = ranksOf(scores, scores, { imageOfText: [0, 1, 2] });
    assert.equal(imageToText.ties, 1);
    assert.deepEqual([...imageToText.ranks], [1, 2, 0]);
  });

  it("reads rows one after the other, so that one buffer can hold them all", () => {
    const scores = [
      [0.9, 0.1],
      [0.8, 0.2],
    ];
    const buffer = new Float32Array(2);
    const read = (row: number[] | undefined): Float32Array => {
      buffer.set(row ?? []);
      return buffer;
    };
    const ranks = retrievalRanks(
      { imageToText: (image) => read(scores[image]), textToImage: (text) => read(transposed(scores)[text]) },
      { images: ["a", "b"], imageOfText: [0, 1] },
    );
    assert.deepEqual([...ranks.imageToText.ranks], [0, 1]);
    assert.deepEqual([...ranks.textToImage.ranks], [0, 0]);
  });

  it("gives the mean reciprocal rank and an error clustered by image", () => {
    const ranks: RetrievalRanks = {
      imageToText: { ranks: Int32Array.of(0, 3), ties: 0 },
      textToImage: { ranks: Int32Array.of(0, 0, 1, 9), ties: 0 },
    };
    const scores = retrievalScores(ranks, { images: ["a", "b"], imageOfText: [0, 0, 1, 1] });
    assert.equal(scores["TR MRR"]?.value, (1 + 1 / 4) / 2);
    assert.equal(scores["IR MRR"]?.value, (1 + 1 + 1 / 2 + 1 / 10) / 4);
    assert.deepEqual(scores["IR@1"]?.bySample, [1, 1, 0, 0]);
    // images' sums of differences from the mean 1/2: 1 and -1; sqrt(2/1 * 2) / 4
    assert.equal(scores["IR@1"].standardError, 0.5);
    assert.equal(scores["mean recall"]?.value, ((0.5 + 1 + 1) / 3 + (0.5 + 0.75 + 1) / 3) / 2);
  });

  it("refuses a row of another length, and names it", () => {
    assert.throws(() => ranksOf([[1, 0, 0]], [[1], [1]], { imageOfText: [0, 0] }), {
      name: "RangeError",
      message: "image a: 3 scores, expected 2, one a candidate",
    });
  });

  it("refuses a score that is not a number, right candidate or wrong", () => {
    const message = "text 1: a score is not a number, so its row has no order";
    for (const row of [
      [NaN, 1],
      [1, NaN],
    ]) {
      const t2i = [[1, 0], row];
      assert.throws(
        () =>
          ranksOf(
            transposed([
              [1, 0],
              [0, 1],
            ]),
            t2i,
            { imageOfText: [0, 1] },
          ),
        { name: "RangeError", message },
      );
    }
  });

  it("refuses a gallery in which an image has no text, or a text no image", () => {
    assert.throws(() => ranksOf([[1], [1]], [[1, 1]], { imageOfText: [0] }), {
      name: "RangeError",
      message: "image b has no text; leave it out of the gallery",
    });
    assert.throws(() => ranksOf([[1]], [[1]], { imageOfText: [1] }), {
      name: "RangeError",
      message: "text 0 is of image 1, but there are 1 images",
    });
  });
});

const names = [
  ["TR@1", "txt_r1"],
  ["TR@5", "txt_r5"],
  ["TR@10", "txt_r10"],
  ["IR@1", "img_r1"],
  ["IR@5", "img_r5"],
  ["IR@10", "img_r10"],
  ["mean recall", "r_mean"],
] as const;

/** Ranks as numpy's argsort, reversed, would give them, with the tie order written into the comparison. */
function sortedRanks(rows: readonly number[][], right: readonly (readonly number[])[], tieRule: TieRule): number[] {
  return rows.map((row, index) => {
    const own = right[index] ?? [];
    const order = row
      .map((score, candidate) => ({ score: Math.fround(score), candidate, isRight: own.includes(candidate) }))
      .sort((a, b) => {
        if (a.score !== b.score) return b.score - a.score;
        if (tieRule === "pessimistic" && a.isRight !== b.isRight) return a.isRight ? 1 : -1;
        return tieRule === "high-index-first" ? b.candidate - a.candidate : a.candidate - b.candidate;
      });
    return order.findIndex(({ isRight }) => isRight);
  });
}

/** LAVIS's report, in its order of operations. */
function percentages({ imageToText, textToImage }: RetrievalRanks): Record<string, number> {
  const recall = (ranks: Int32Array, k: number): number =>
    (100 * ranks.filter((rank) => rank < k).length) / ranks.length;
  const [txt_r1, txt_r5, txt_r10] = [1, 5, 10].map((k) => recall(imageToText.ranks, k)) as [number, number, number];
  const [img_r1, img_r5, img_r10] = [1, 5, 10].map((k) => recall(textToImage.ranks, k)) as [number, number, number];
  const txt_r_mean = (txt_r1 + txt_r5 + txt_r10) / 3;
  const img_r_mean = (img_r1 + img_r5 + img_r10) / 3;
  const r_mean = (txt_r_mean + img_r_mean) / 2;
  const agg_metrics = txt_r_mean;
  return { txt_r1, txt_r5, txt_r10, txt_r_mean, img_r1, img_r5, img_r10, img_r_mean, r_mean, agg_metrics };
}

function ranksOfCase(golds: GoldenCase, tieRule: TieRule): RetrievalRanks {
  return ranksOf(golds.scores, textRows(golds), { imageOfText: golds.txt2img, tieRule });
}

function textRows({ scores, scores_t2i }: GoldenCase): number[][] {
  return scores_t2i ?? transposed(scores);
}

function galleryOf({ scores, txt2img }: GoldenCase): Gallery {
  return { images: scores.map((_, image) => String.fromCodePoint(97 + image)), imageOfText: txt2img };
}

function ranksOf(
  imageRows: readonly number[][],
  textRows: readonly number[][],
  { imageOfText, tieRule }: { imageOfText: readonly number[]; tieRule?: TieRule },
): RetrievalRanks {
  const images = imageRows.map((_, image) => String.fromCodePoint(97 + image));
  return retrievalRanks(
    {
      imageToText: (image) => Float32Array.from(imageRows[image] ?? []),
      textToImage: (text) => Float32Array.from(textRows[text] ?? []),
    },
    { images, imageOfText },
    tieRule,
  );
}

function transposed(rows: readonly number[][]): number[][] {
  return (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? NaN));
}

function congruential(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1664525 + 1013904223) % 2 ** 32) / 2 ** 32;
}
