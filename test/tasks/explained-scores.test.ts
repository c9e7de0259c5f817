/** That a metric which works out a score by steps comes to the score it gives, to the digit. */
import assert from "node:assert/strict";
import type { ImageFile, VqaSample } from "../../datasets/dataset.ts";
import { ciderMetric } from "../../tasks/metrics/captions/caption-metrics.ts";
import { explainRank } from "../../tasks/metrics/explain-rank.ts";
import { textMetrics } from "../../tasks/metrics/named-metrics.ts";
import { retrievalRanks } from "../../tasks/metrics/recall.ts";
import { vqaAccuracy, vqaAccuracyAlways, vqaAccuracyLavis } from "../../tasks/metrics/vqa-accuracy.ts";
import type { Hypothesis } from "../../tasks/task.ts";

const references = [
  ["red", "red", "dark red", "Red.", "maroon", "red", "a red", "two", "2", "red"],
  ["two", "two", "two", "two", "two", "two", "two", "two", "two", "two"],
  ["a cat on a mat", "the cat is on the mat", "one cat"],
  ["blue"],
];
const answers = ["Red", "2", "a cat on the mat", "bleu"];

const samples = references.map((texts, place): VqaSample => {
  const image: ImageFile = { id: String(place), path: "none" };
  const annotations = texts.map((answer, index) => ({ answer, confidence: "yes", id: index + 1 }));
  return { id: `q${place}`, image, question: "?", questionType: "", answerType: "", references: annotations };
});
const hypotheses = samples.map((sample, place): Hypothesis<VqaSample> => ({ sample, answer: answers[place]! }));

describe("a score worked out by its metric", () => {
  const ofAnySample = textMetrics.filter((metric) => !("appliesTo" in metric)); // those over choices: choices.test.ts
  const metrics = [...ofAnySample, vqaAccuracy, vqaAccuracyLavis, vqaAccuracyAlways, ciderMetric("sample")];
  for (const metric of metrics) {
    it(`is the score of ${metric.name}`, () => {
      const { bySample } = metric.score(hypotheses, samples);
      assert.ok(metric.explain !== undefined);
      for (const place of hypotheses.keys()) {
        const { score, steps } = metric.explain(place, hypotheses, samples);
        assert.equal(score, bySample?.[place] ?? null, `sample ${place}`);
        assert.ok(steps.length >= 2);
      }
    });
  }

  it("says of VQA accuracy how many others agree with each annotator", () => {
    const { steps } = vqaAccuracy.explain!(0, hypotheses, samples);
    assert.deepEqual(steps.slice(0, 5), [
      { what: "the answer, as it is compared", result: '"Red" -> "red"' },
      { what: 'annotator 1: "red"', result: "min(1, 5 / 3) = 1" },
      { what: 'annotator 2: "red"', result: "min(1, 5 / 3) = 1" },
      { what: 'annotator 3: "dark red"', result: "min(1, 6 / 3) = 1" },
      { what: 'annotator 4: "Red." -> "red"', result: "min(1, 5 / 3) = 1" },
    ]);
  });

  it("says of CIDEr the cosine of each n with each reference, and the images that weigh n-grams", () => {
    const { steps } = ciderMetric("split").explain!(2, hypotheses, samples);
    assert.equal(steps.length, 5);
    assert.match(steps[1]!.result, /^cosine of tf-idf by n = 1\.\.4: 0\.\d+, 0\.\d+, .*; for its length times 1$/);
    assert.match(steps[4]!.what, /weighed by 4 images$/);
  });

  it("has no number where there is nothing to compare with", () => {
    const alone = hypotheses.map(({ sample, answer }) => ({ sample: { ...sample, references: [] }, answer }));
    const split = alone.map(({ sample }) => sample);
    for (const metric of metrics) {
      const { score } = metric.explain!(0, alone, split);
      assert.equal(score, null, metric.name);
    }
  });
});

describe("the rank of a row, worked out", () => {
  const scores = Float32Array.from([0.5, 0.9, 0.9, 0.1, 0.3, 0.2, 0.7]);

  it("is that of the scores, a wrong candidate before a right one of equal score", () => {
    for (const [right, rank] of [
      [[1], 1],
      [[0, 3], 3],
      [[3], 6],
    ] as const) {
      const working = explainRank(scores, right, (candidate) => `text ${candidate}`);
      assert.equal(working.score, 1 / (rank + 1));
      assert.equal(working.steps.at(-1)!.what, `the best right one is number ${rank + 1} of 7`);
      const gallery = {
        images: ["a", "b"],
        imageOfText: Array.from(scores, (_, text) => ((right as readonly number[]).includes(text) ? 0 : 1)),
      };
      const ranks = retrievalRanks(
        { imageToText: () => scores, textToImage: () => Float32Array.from([0, 1]) },
        gallery,
      );
      assert.equal(ranks.imageToText.ranks[0], rank);
    }
  });

  it("names the first five, and the right one where it is not among them", () => {
    const { steps } = explainRank(scores, [3], (candidate) => `text ${candidate}`);
    assert.equal(steps.length, 7);
    assert.deepEqual(steps[5], { what: "7. text 3", result: "0.1, right" });
  });
});
