/** Predictions → scores, and their intervals. */
import assert from "node:assert/strict";
import type { Sample } from "../../datasets/dataset.ts";
import { confidenceInterval, shareInterval } from "../../harness/statistics/confidence-interval.ts";
import { scorePredictions } from "../../harness/evaluation/generation/score.ts";
import type { Outcome } from "../../reports/records/journal.ts";
import type { GenerationTask, Score } from "../../tasks/task.ts";

function sample(id: string, image: string): Sample {
  return { id, image: { id: image, path: `${image}.jpg` } };
}

describe("scores", () => {
  /** Scores the length of an answer. */
  const task: GenerationTask<Sample> = {
    kind: "generation",
    name: "length",
    dataset: { name: "words", splits: ["val"], open: () => Promise.reject(new Error("not opened")) },
    protocols: {} as GenerationTask<Sample>["protocols"],
    metrics: [
      {
        name: "length",
        unit: "fraction",
        higherIsBetter: true,
        score: (hypotheses): Score => {
          const bySample = hypotheses.map(({ answer }) => answer.length / 10);
          return { value: 0.9, standardError: 0.1, bySample, breakdown: { size: { all: { value: 0.9, samples: 2 } } } };
        },
      },
      { name: "none", unit: "fraction", higherIsBetter: true, score: () => ({ value: null, standardError: null }) },
    ],
    published: [
      { checkpoint: "tiny", split: "val", metric: "length", value: 0.7, source: "table 1" },
      { checkpoint: "tiny", split: "test", metric: "none", value: 0.1, source: "table 1" },
    ],
  };
  const samples = ["a", "b", "c", "d"].map((id) => sample(id, id));
  const outcomes = new Map<string, Outcome>([
    ["c", { status: "predicted", text: " four " }],
    ["b", { status: "failed", error: "no such image" }],
    ["a", { status: "predicted", text: "two" }],
  ]);
  const split = { name: "val", samples, files: [], imageFolder: "" };
  const answer = (text: string): string => text.trim();

  it("are of the predicted samples, in the data set's order, with their answers and the published score", () => {
    const sheet = scorePredictions(task, { split, samples, outcomes, answer, checkpoint: "tiny", code: "beef" });
    assert.deepEqual(sheet.counts, { samples: 4, scored: 2, failed: 1, missing: 1 });
    assert.deepEqual(sheet.samples, { id: ["a", "c"], image: ["a", "c"], answer: ["two", "four"], length: [0.3, 0.4] });
    const [length, none] = sheet.metrics;
    assert.deepEqual(length?.published, { value: 0.7, source: "table 1" });
    assert.equal(length.interval?.high, 1, "a share is never above 1");
    assert.equal(length.interval.low, 0, "two images leave one degree of freedom: 0.9 - 12.7 × 0.1 is below 0");
    assert.deepEqual(none, {
      name: "none",
      unit: "fraction",
      higherIsBetter: true,
      value: null,
      standardError: null,
      interval: null,
      published: null,
      breakdown: {},
    });
  });
});

describe("a 95 % interval", () => {
  it("is Student's t times the standard error on either side", () => {
    // Quantiles 0.975 of the tables, for one less than the clusters.
    for (const [clusters, t] of [
      [2, 12.7062],
      [3, 4.3027],
      [4, 3.1824],
      [5, 2.7764],
      [31, 2.0423],
      [300, 1.9679],
      [40_504, 1.96],
    ] as const) {
      const { low, high } = confidenceInterval(10, 2, clusters);
      assert.ok(Math.abs((high - 10) / 2 - t) < 6e-5, `${clusters} clusters: ${(high - 10) / 2}`); // four decimals
      assert.ok(Math.abs(20 - low - high) < 1e-9); // rounding
    }
  });
});

describe("a 95 % interval of a share", () => {
  it("is not empty where all samples score the same, and one side ends there", () => {
    // 0.025 ** (1 / 24) = 0.8575: the smallest share with which 24 of 24 are as likely as 2.5 %.
    const all = shareInterval(1, 0, 24);
    assert.ok(Math.abs(all.low - 0.025 ** (1 / 24)) < 1e-9);
    assert.equal(all.high, 1);
    const none = shareInterval(0, 0, 24);
    assert.equal(none.low, 0);
    assert.ok(Math.abs(none.high + all.low - 1) < 1e-9);
  });
  it("is cut at 0 and 1", () => {
    assert.deepEqual(shareInterval(0.5, 0.2, 2), { low: 0, high: 1 });
  });
});
