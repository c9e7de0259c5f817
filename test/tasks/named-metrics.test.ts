/** The metrics that tasks name, each against a plain version of it on generated samples (support/plain-metrics.ts). */
import assert from "node:assert/strict";
import type { CaptionSample, VqaSample } from "../../datasets/dataset.ts";
import type { ReferencedSample } from "../../tasks/metrics/hypotheses.ts";
import { retrievalMetricNamed, textMetrics } from "../../tasks/metrics/named-metrics.ts";
import { retrievalRanks, retrievalScoreNames, retrievalScores } from "../../tasks/metrics/recall.ts";
import type { Gallery } from "../../tasks/metrics/recall.ts";
import { similarityScores } from "../../tasks/metrics/retrieval-ranking.ts";
import type { Hypothesis, Metric } from "../../tasks/task.ts";
import { assertClose, congruential } from "../support/captions.ts";
import {
  meanOf,
  plainAnls,
  plainBleu,
  plainCider,
  plainExactMatch,
  plainRanks,
  plainRougeL,
  plainStandardError,
  plainTokenF1,
  plainVqaAccuracy,
} from "../support/plain-metrics.ts";

describe("metrics by name", () => {
  it("stand once each in the list", () => {
    const names = textMetrics.map(({ name }) => name);
    assert.deepEqual(names, [...new Set(names)]);
  });

  for (const [name, plain] of [
    ["exact-match", plainExactMatch],
    ["vqa-accuracy", plainVqaAccuracy],
    ["token-f1", plainTokenF1],
    ["ANLS", plainAnls],
  ] as const) {
    it(`${name} agrees with a plain version on answers of all kinds, one to twelve references`, () => {
      const random = congruential(11);
      const seen = new Set<number>();
      for (let round = 0; round < 40; round += 1) {
        const hypotheses = Array.from({ length: 6 }, (_, place) => ({
          answer: answerText(random),
          sample: questionSample(
            place,
            Array.from({ length: 1 + Math.floor(random() * 12) }, () => answerText(random)),
          ),
        }));
        const score = metricNamed(name).score(hypotheses, []);
        for (const [place, { answer, sample }] of hypotheses.entries()) {
          const references = sample.references.map((reference) => reference.answer);
          const expected = plain(answer, references);
          seen.add(expected);
          assertClose(score.bySample?.[place], expected, JSON.stringify({ answer, references }));
        }
        assertMean(score, hypotheses);
      }
      assert.ok(seen.size > 1, "answers score differently");
    });
  }

  it("CIDEr, BLEU and ROUGE-L agree with plain versions on captions, alone and of a corpus", () => {
    const random = congruential(12);
    for (let round = 0; round < 20; round += 1) {
      const references = Array.from({ length: 7 }, () =>
        Array.from({ length: 1 + Math.floor(random() * 4) }, () => captionText(random)),
      );
      const captions = references.map(() => captionText(random));
      const split = references.map((texts, place) => captionSample(place, texts));
      const hypotheses = split.map((sample, place) => ({ sample, answer: captions[place]! }));
      const rouge = captions.map((caption, place) => plainRougeL(caption, references[place]!));
      assertScores(metricNamed("CIDEr"), { hypotheses, split, expected: plainCider(captions, references) });
      assertScores(metricNamed("ROUGE-L"), { hypotheses, split, expected: rouge });
      for (const n of [1, 2, 3, 4]) {
        const { value } = metricNamed(`BLEU-${n}`).score(hypotheses, split);
        assertClose(value, plainBleu(captions, references, n), `BLEU-${n}`);
      }
    }
  });

  it("score captions by metrics of answers, and answers by metrics of captions", () => {
    const answers = ["a red bus", "two dogs"];
    const asQuestions = answers.map((answer, place) => ({
      answer,
      sample: questionSample(place, ["red bus", "two cats"]),
    }));
    const asCaptions = answers.map((answer, place) => ({
      answer,
      sample: captionSample(place, ["red bus", "two cats"]),
    }));
    for (const metric of textMetrics.filter((each) => !("appliesTo" in each))) {
      const ofQuestions = metric.score(
        asQuestions,
        asQuestions.map(({ sample }) => sample),
      );
      const ofCaptions = metric.score(
        asCaptions,
        asCaptions.map(({ sample }) => sample),
      );
      assert.deepEqual(ofCaptions, ofQuestions, metric.name);
      assert.ok(ofQuestions.value !== null && ofQuestions.value >= 0, metric.name);
    }
  });

  it("have standard errors by the cluster that a hypothesis names, in place of its image", () => {
    const random = congruential(13);
    const clusters = ["north", "north", "south", "south", "south", "east"];
    const hypotheses = clusters.map((cluster, place) => ({
      answer: answerText(random),
      sample: questionSample(place, [answerText(random), answerText(random)]),
      cluster,
    }));
    for (const metric of textMetrics) {
      const { bySample, standardError } = metric.score(
        hypotheses,
        hypotheses.map(({ sample }) => sample),
      );
      if (bySample === undefined) continue; // BLEU: a jackknife over the clusters
      assertClose(standardError, plainStandardError(bySample, clusters), metric.name);
    }
    const split = hypotheses.map(({ sample }) => sample);
    const bleu = metricNamed("BLEU-1");
    const alone = hypotheses.map(({ sample, answer }) => ({ sample, answer, cluster: sample.image.id }));
    assert.notEqual(bleu.score(hypotheses, split).standardError, bleu.score(alone, split).standardError);
  });
});

describe("VQA accuracy of any number of references", () => {
  const only = (answer: string, references: readonly string[]) =>
    metricNamed("vqa-accuracy").score([{ answer, sample: questionSample(0, references) }], []).value;

  it("is 1 where all agree, however many there are", () => {
    for (let count = 1; count <= 12; count += 1)
      assert.equal(only("red", Array<string>(count).fill("red")), 1, `${count}`);
  });

  it("is the official formula's from four references on, and counts against the others that there are below", () => {
    assert.equal(only("red", ["red", "blue"]), 0.5); // one annotator alone 0, the other has one other of one
    assert.equal(only("red", ["red", "blue", "green"]), 1 / 3); // 0, 1/2, 1/2
    assert.equal(only("red", ["red", "red", "blue"]), (0.5 + 0.5 + 1) / 3);
    assert.equal(only("red", ["red", "blue", "green", "black"]), (0 + 1 / 3 + 1 / 3 + 1 / 3) / 4);
  });

  it("compares normal forms, also where the references agree, unless there are ten as in VQAv2", () => {
    assert.equal(only("2", ["two"]), 1);
    assert.equal(only("The bus.", ["bus", "bus"]), 1);
    assert.equal(only("2", Array<string>(10).fill("two")), 0);
    assert.equal(only("2", [...Array<string>(9).fill("two"), "three"]), 1);
  });
});

describe("token F1", () => {
  const only = (answer: string, references: readonly string[]) =>
    metricNamed("token-f1").score([{ answer, sample: questionSample(0, references) }], []).value;

  it("leaves out case, punctuation and articles, and takes the best reference", () => {
    assert.equal(only("The Cat's bowl, on a mat.", ["a dog", "cats bowl on mat"]), 1);
    assert.equal(only("red bus", ["red car"]), 0.5);
    assert.equal(only("red red bus", ["red bus bus"]), 2 / 3);
  });

  it("removes articles after punctuation, and only whole words", () => {
    assert.equal(only("a.m.", ["am"]), 1);
    assert.equal(only("anthem", ["them"]), 0);
    assert.equal(only("état-a", ["étata"]), 1);
  });

  it("is 1 where neither has a word, 0 where one has none", () => {
    assert.equal(only("the", ["!"]), 1);
    assert.equal(only("", ["red"]), 0);
    assert.equal(only("red", ["a"]), 0);
  });
});

describe("ANLS", () => {
  const only = (answer: string, references: readonly string[]) =>
    metricNamed("ANLS").score([{ answer, sample: questionSample(0, references) }], []).value;

  it("forgives letters up to half of the text, half included", () => {
    assert.equal(only("Main Steet", ["main street"]), 1 - 1 / 11);
    assert.equal(only("ab", ["ax"]), 0.5);
    assert.equal(only("abc", ["axy"]), 0);
  });

  it("measures length as written, letters as code points", () => {
    assert.equal(only(" red  bus ", ["red bus"]), 1);
    assert.equal(only("x   y", ["x z"]), 1 - 1 / 5); // one letter of five, two blanks of which are gone before comparing
    assert.equal(only("🚌🚌", ["🚌🚗"]), 0.5);
  });

  it("is 1 for two empty texts, 0 for one", () => {
    assert.equal(only("", [""]), 1);
    assert.equal(only("", ["red"]), 0);
  });
});

describe("recall and reciprocal rank by name", () => {
  it("agree with sorting at any number of candidates, in both directions", () => {
    const random = congruential(14);
    for (let round = 0; round < 30; round += 1) {
      const images = 2 + Math.floor(random() * 5);
      const imageOfText = Array.from({ length: images * 2 }, (_, text) => text % images);
      const values = Float32Array.from({ length: images * imageOfText.length }, () => Math.floor(random() * 6));
      const gallery: Gallery = { images: imageOfText.slice(0, images).map(String), imageOfText };
      const rows = Array.from({ length: images }, (_, image) =>
        imageOfText.map((_, text) => values[image * imageOfText.length + text]!),
      );
      const columns = imageOfText.map((_, text) => rows.map((row) => row[text]!));
      const texts = rows.map((_, image) => imageOfText.flatMap((of, text) => (of === image ? [text] : [])));
      const tr = plainRanks(rows, texts);
      const ir = plainRanks(
        columns,
        imageOfText.map((image) => [image]),
      );

      const scores = retrievalScores(
        retrievalRanks(similarityScores({ values, images, texts: imageOfText.length }), gallery),
        gallery,
        ["recall@2", "recall@3", "MRR"],
      );
      assert.deepEqual(Object.keys(scores), retrievalScoreNames(["recall@2", "recall@3", "MRR"]));
      for (const [direction, ranks, clusters] of [
        ["TR", tr, gallery.images],
        ["IR", ir, imageOfText.map(String)],
      ] as const) {
        for (const k of [2, 3]) {
          const found = ranks.map((rank) => (rank < k ? 1 : 0));
          const score = scores[`${direction}@${k}`];
          assertClose(score?.value, meanOf(found), `${direction}@${k}`);
          assertClose(score?.standardError, plainStandardError(found, clusters), `${direction}@${k}'s error`);
        }
        assertClose(scores[`${direction} MRR`]?.value, meanOf(ranks.map((rank) => 1 / (rank + 1))), direction);
      }
    }
  });

  it("have standard errors by the clusters that a gallery names", () => {
    const ranks = { ranks: Int32Array.of(0, 3, 0, 5), ties: 0 };
    const gallery = { images: ["a", "b", "c", "d"], imageOfText: [0, 1, 2, 3], clusters: ["x", "x", "y", "z"] };
    const { "TR@1": tr, "IR@1": ir } = retrievalScores({ imageToText: ranks, textToImage: ranks }, gallery, [
      "recall@1",
    ]);
    assertClose(tr?.standardError, plainStandardError([1, 0, 1, 0], gallery.clusters), "TR");
    assertClose(ir?.standardError, plainStandardError([1, 0, 1, 0], gallery.clusters), "IR");
  });

  it("are known by name, recall at every whole number", () => {
    assert.equal(retrievalMetricNamed("recall@7"), "recall@7");
    assert.equal(retrievalMetricNamed("mean recall"), "mean recall");
    for (const name of ["recall@0", "recall@", "recall@1.5", "recall", "mrr", "recall@-1"]) {
      assert.equal(retrievalMetricNamed(name), null, name);
    }
  });
});

function metricNamed(name: string): Metric<ReferencedSample> {
  return textMetrics.find((metric) => metric.name === name) ?? assert.fail(name);
}

/** One to three words that meet often, with capitals, articles, numbers and punctuation. */
function answerText(random: () => number): string {
  const words = [
    "red",
    "Red",
    "a",
    "the",
    "bus",
    "buses",
    "two",
    "2",
    "1,000",
    "none",
    "b/c",
    "bus.",
    "(red)",
    "no!",
    "-",
  ];
  const count = Math.floor(random() * 4);
  return Array.from({ length: count }, () => words[Math.floor(random() * words.length)]!).join(
    random() < 0.2 ? "  " : " ",
  );
}

function captionText(random: () => number): string {
  return Array.from({ length: 1 + Math.floor(random() * 7) }, () => "abcdef".charAt(random() * 6)).join(" ");
}

function questionSample(place: number, references: readonly string[]): VqaSample {
  const annotations = references.map((answer, index) => ({ answer, confidence: "", id: index + 1 }));
  const image = { id: `image ${Math.floor(place / 2)}`, path: "" };
  return { id: `q${place}`, image, question: "?", questionType: "", answerType: "", references: annotations };
}

function captionSample(place: number, references: readonly string[]): CaptionSample {
  return { id: `q${place}`, image: { id: `image ${Math.floor(place / 2)}`, path: "" }, references };
}

/** The value is the mean, its error that of clusters of one image. */
function assertMean(
  { value, standardError, bySample = [] }: ReturnType<Metric<ReferencedSample>["score"]>,
  hypotheses: readonly Hypothesis<ReferencedSample>[],
): void {
  assertClose(value, meanOf(bySample), "mean");
  const clusters = hypotheses.map(({ sample }) => sample.image.id);
  const expected = plainStandardError(bySample, clusters);
  // residuals of equal scores are rounding alone
  if (expected > 1e-12) assertClose(standardError, expected, "standard error");
}

function assertScores(
  metric: Metric<ReferencedSample>,
  {
    hypotheses,
    split,
    expected,
  }: {
    readonly hypotheses: readonly Hypothesis<ReferencedSample>[];
    readonly split: readonly ReferencedSample[];
    readonly expected: readonly number[];
  },
): void {
  const score = metric.score(hypotheses, split);
  for (const [place, value] of expected.entries()) assertClose(score.bySample?.[place], value, metric.name);
  assertMean(score, hypotheses);
}
