/**
 * The metrics of captions against the official scorers' numbers (fixtures/metrics/caption-scores.json), and what a metric
 * adds to them: collections, domains, standard errors, nothing to score.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { DatasetError } from "../../datasets/dataset.ts";
import { bleu, sumBleuCounts } from "../../tasks/metrics/captions/bleu.ts";
import {
  bleu1,
  bleu2,
  bleu3,
  bleu4,
  cider,
  ciderMetric,
  rougeL,
} from "../../tasks/metrics/captions/caption-metrics.ts";
import { tokenizeCaptions } from "../../tasks/metrics/captions/caption-tokens.ts";
import { clusteredStandardError, jackknifeStandardError } from "../../tasks/metrics/standard-error.ts";
import {
  answersTo,
  assertClose,
  ciderOf,
  congruential,
  corpora,
  countsOf,
  readCorpora,
  samplesOf,
  samplesOfCorpus,
  samplesOfImages,
} from "../support/captions.ts";
import type { Corpus } from "../support/captions.ts";
import { projectRoot } from "../support/project.ts";

describe("caption scores", () => {
  for (const corpus of corpora) {
    it(`are the official ones for ${corpus.name}`, () => {
      assertOfficialScores(corpus);
    });
  }

  it("are the official ones for 576 real images, skipped where those are not beside the project", function () {
    const file = path.join(projectRoot, "../shared/goldens/metrics/caption-scores-real.json");
    if (!existsSync(file)) {
      this.skip(); // other people's texts: read where they are, never copied here
    }
    for (const corpus of readCorpora(file)) assertOfficialScores(corpus);
  });

  it("are null where there is nothing to score: no hypotheses, or no references at all", () => {
    const split = samplesOf([["a dog"], ["a cat"]]);
    const secret = samplesOf([[], []]);
    for (const metric of [cider, bleu1, bleu4, rougeL]) {
      assert.deepEqual(metric.score([], split), { value: null, standardError: null });
      assert.deepEqual(metric.score(answersTo(secret, ["a dog", "a cat"]), secret), {
        value: null,
        standardError: null,
      });
    }
  });

  it("are refused where only some images have references", () => {
    const split = samplesOf([["a dog", "one dog"], []]);
    for (const metric of [cider, bleu4, rougeL]) {
      assert.throws(() => metric.score(answersTo(split, ["a dog", "a cat"]), split), {
        name: "DatasetError",
        message: "image i1 has no reference captions, image i0 has 2. Is the annotation file complete?",
      });
    }
    assert.ok(DatasetError.prototype instanceof Error);
  });

  it("are refused for a caption that is not of the split", () => {
    const split = samplesOf([["a dog"], ["a cat"]]);
    assert.throws(() => cider.score(answersTo(split, ["a dog", "a cat"]), split.slice(1)), {
      name: "RangeError",
      message: "caption s0 is scored but not in the split",
    });
  });

  it("are finite for empty, endless and unreadable captions", () => {
    const long = Array.from({ length: 10_000 }, (_, index) => `word${index % 777}`).join(" ");
    const split = samplesOf([["a dog"], ["a cat", ""], [long], ["\0"], ["a\0bird"]]);
    const hypotheses = answersTo(split, ["", "\0\x07", long, long, "a\r\nbird\ud83d"]);
    for (const metric of [cider, bleu1, bleu2, bleu3, bleu4, rougeL]) {
      const { value, standardError, bySample = [] } = metric.score(hypotheses, split);
      for (const number of [value, standardError, ...bySample]) assert.ok(Number.isFinite(number), metric.name);
    }
    assert.deepEqual(rougeL.score(hypotheses, split).bySample, [0, 1, 1, 0, 1]);
  });

  it("have a standard error clustered by image: of a mean by its formula, of BLEU by the jackknife", () => {
    const split = samplesOf([["a dog runs"], ["a cat"], ["two birds fly"], ["a bus"]]).map((sample, index) => ({
      ...sample,
      image: { id: index < 2 ? "same" : sample.image.id, path: "" },
    }));
    const hypotheses = answersTo(split, ["a dog", "a cat sits", "birds", "a red bus"]);
    const clusters = split.map(({ image }) => image.id);
    for (const metric of [cider, rougeL]) {
      const { bySample = [], standardError } = metric.score(hypotheses, split);
      assert.equal(standardError, clusteredStandardError(bySample, clusters));
    }
    const counts = countsOf(hypotheses);
    const without = [
      [2, 3],
      [0, 1, 3],
      [0, 1, 2],
    ].map((kept) => bleu(sumBleuCounts(kept.flatMap((index) => counts[index] ?? [])))[0] ?? 0);
    assertClose(bleu1.score(hypotheses, split).standardError, jackknifeStandardError(without), "BLEU-1");
  });

  it("are also given for each domain, CIDEr with the document frequencies of all", () => {
    const domains = ["in-domain", "out-domain", "in-domain"];
    const split = samplesOf([["a dog runs"], ["a cat"], ["two birds"]]).map((sample, index) => ({
      ...sample,
      domain: domains[index] ?? "",
    }));
    const hypotheses = answersTo(split, ["a dog", "a cat", "a bird"]);
    const { bySample: [first = NaN, second = NaN, third = NaN] = [], breakdown } = cider.score(hypotheses, split);
    assert.deepEqual(breakdown, {
      domain: { "in-domain": { value: (first + third) / 2, samples: 2 }, "out-domain": { value: second, samples: 1 } },
    });
    const inDomain = split.filter(({ domain }) => domain === "in-domain");
    assert.equal(
      bleu1.score(hypotheses, split).breakdown?.["domain"]?.["in-domain"]?.value,
      bleu1.score(answersTo(inDomain, ["a dog", "a bird"]), inDomain).value,
    );
    assert.equal(
      cider.score(answersTo(samplesOf([["a"], ["b"]]), ["a", "b"]), samplesOf([["a"], ["b"]])).breakdown,
      undefined,
    );
  });
});

describe("CIDEr as a metric", () => {
  it("counts documents over the whole split, so that a part scores as within the whole", () => {
    const { split, hypotheses } = samplesOfCorpus("synthetic");
    const whole = cider.score(hypotheses, split).bySample ?? [];
    assert.deepEqual(cider.score(hypotheses.slice(20, 50), split).bySample, whole.slice(20, 50));
  });

  it("counts documents over the scored sample where the official score is asked for", () => {
    const { split, hypotheses } = samplesOfCorpus("synthetic");
    const part = hypotheses.slice(20, 50);
    const alone = cider.score(part, split.slice(20, 50));
    assert.deepEqual(ciderMetric("sample").score(part, split), alone);
    assert.notEqual(cider.score(part, split).value, alone.value);
  });

  it("is null for one image and for references without words: no n-gram tells images apart", () => {
    const one = samplesOf([["a dog"]]);
    assert.equal(cider.score(answersTo(one, ["a dog"]), one).value, null);
    const silent = samplesOf([["..."], [""]]);
    assert.equal(cider.score(answersTo(silent, ["a dog", ""]), silent).value, null);
  });
});

describe("jackknife standard error", () => {
  it("is the usual standard error of a mean", () => {
    const values = [0.3, 1, 0, 0.6, 0.9];
    const without = values.map((value) => (2.8 - value) / 4);
    assertClose(jackknifeStandardError(without), clusteredStandardError(values, ["a", "b", "c", "d", "e"]), "mean");
  });

  it("is null for fewer than two clusters", () => {
    assert.equal(jackknifeStandardError([]), null);
    assert.equal(jackknifeStandardError([0.5]), null);
  });

  it("is close to a bootstrap of BLEU-4's counts", () => {
    const { split, hypotheses } = samplesOfCorpus("synthetic");
    const counts = countsOf(hypotheses);
    const random = congruential(5);
    const draws = Array.from({ length: 1000 }, () => {
      const drawn = counts.map(() => counts[Math.floor(random() * counts.length)] ?? counts.slice(0, 1));
      return bleu(sumBleuCounts(drawn.flat()))[3] ?? 0;
    });
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
    const deviation = Math.sqrt(draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / (draws.length - 1));
    const error = bleu4.score(hypotheses, split).standardError ?? NaN;
    // 150 images and 1,000 draws: the two agree to a few percent
    assert.ok(Math.abs(error / deviation - 1) < 0.1, `${error} against ${deviation}`);
  });
});

function assertOfficialScores(corpus: Corpus): void {
  const { split, hypotheses } = samplesOfImages(corpus);
  const counts = countsOf(hypotheses);
  assert.deepEqual(
    tokenizeCaptions(split.flatMap(({ references }) => references)).map((tokens) => tokens.join(" ")),
    corpus.images.flatMap(({ referencesTokenized }) => referencesTokenized),
  );
  for (const [n, metric] of [bleu1, bleu2, bleu3, bleu4].entries()) {
    const official = [corpus.corpus.Bleu_1, corpus.corpus.Bleu_2, corpus.corpus.Bleu_3, corpus.corpus.Bleu_4][n];
    assertClose(metric.score(hypotheses, split).value, official, metric.name);
    for (const [image, { Bleu }] of corpus.images.entries()) {
      const own = counts[image];
      assertClose(own && bleu(own)[n], Bleu[n], `${metric.name} of image ${image}`);
    }
  }
  const rouge = rougeL.score(hypotheses, split);
  assertClose(rouge.value, corpus.corpus.ROUGE_L, "ROUGE-L");
  const ciders = ciderOf(
    hypotheses.map(({ answer }) => answer),
    split.map(({ references }) => references),
  );
  for (const [image, { ROUGE_L, CIDEr }] of corpus.images.entries()) {
    assertClose(rouge.bySample?.[image], ROUGE_L, `ROUGE-L of image ${image}`);
    assertClose(ciders[image], CIDEr, `CIDEr of image ${image}`);
  }
  if (corpus.images.length === 1) return; // a metric gives no CIDEr for one image; the official one is 0
  assertClose(cider.score(hypotheses, split).value, corpus.corpus.CIDEr, "CIDEr");
}
