/** The oddities of CIDEr, BLEU and ROUGE-L one by one, worked out by hand, and CIDEr against a plain version of it. */
import assert from "node:assert/strict";
import { bleu, bleuCounts } from "../../tasks/metrics/captions/bleu.ts";
import { rougeL as rougeLOfMetric } from "../../tasks/metrics/captions/caption-metrics.ts";
import { documentFrequencies } from "../../tasks/metrics/captions/cider.ts";
import { NgramNumbers } from "../../tasks/metrics/captions/ngrams.ts";
import { rougeL } from "../../tasks/metrics/captions/rouge-l.ts";
import { answersTo, assertClose, ciderOf, congruential, countsOf, samplesOf, words } from "../support/captions.ts";
import { plainCider } from "../support/plain-metrics.ts";

describe("CIDEr", () => {
  it("measures length in bigrams, so that captions of no and of one word are equally long", () => {
    // Two images, so that "dog" and "cat" weigh ln 2 each. 10 / 4 for n = 1 alone, the lengths being the same.
    assertClose(ciderOf(["dog", "cat"], [["dog"], ["cat"]])[0], 2.5, "one word");
    // One word against three: two bigrams of difference, not three words less one.
    const expected = (2.5 / Math.sqrt(3)) * Math.exp(-(2 ** 2) / 72);
    assertClose(ciderOf(["dog", "cat"], [["dog runs home"], ["cat"]])[0], expected, "three words");
  });

  it("counts an n-gram at most as often as the reference has it", () => {
    const [, repeated = NaN] = ciderOf(["cat", "dog dog dog"], [["cat"], ["dog"]]);
    assertClose(repeated, (2.5 / 3) * Math.exp(-(2 ** 2) / 72), "repeated"); // min(3, 1) * 1 / (3 * 1)
  });

  it("gives an n-gram of no reference the largest weight, ln N", () => {
    // dog and bird: ln 2 each; so the cosine of (1, 1) and (1, 0), and one bigram of difference.
    assertClose(ciderOf(["dog bird", "cat"], [["dog"], ["cat"]])[0], (2.5 / Math.SQRT2) * Math.exp(-1 / 72), "unseen");
  });

  it("agrees with a plain version on random captions", () => {
    const random = congruential(3);
    const caption = () =>
      Array.from({ length: Math.floor(random() * 9) }, () => "abcdefg".charAt(random() * 7)).join(" ");
    for (let round = 0; round < 20; round += 1) {
      const references = Array.from({ length: 8 }, () => Array.from({ length: 1 + Math.floor(random() * 4) }, caption));
      const hypotheses = references.map(caption);
      const ours = ciderOf(hypotheses, references);
      for (const [image, score] of plainCider(hypotheses, references).entries()) {
        assertClose(ours[image], score, JSON.stringify({ hypotheses, references, image }));
      }
    }
  });

  it("refuses an image without references, and a collection of none", () => {
    assert.throws(() => ciderOf(["a", "b"], [["a"], []]), {
      name: "RangeError",
      message: "CIDEr: image 1 has no references; leave it out",
    });
    assert.throws(() => documentFrequencies([], 0), {
      name: "RangeError",
      message: "CIDEr: there are no images whose references could be counted",
    });
  });
});

describe("BLEU", () => {
  const score = (hypothesis: string, references: readonly string[]) => {
    const ngrams = new NgramNumbers();
    return bleu(
      bleuCounts(
        ngrams.count(words(hypothesis)),
        references.map((reference) => ngrams.count(words(reference))),
      ),
    );
  };

  it("takes the shorter of two references that are equally close in length", () => {
    const ngrams = new NgramNumbers();
    const counts = bleuCounts(ngrams.count(words("a b c")), [
      ngrams.count(words("a b c d")),
      ngrams.count(words("a b")),
    ]);
    assert.equal(counts.referenceLength, 2);
  });

  it("is tiny and not 0 where no n-gram is found, and 0 for an empty hypothesis", () => {
    const [one = NaN, two = NaN] = score("x y", ["a b"]);
    assert.ok(one > 0 && one < 1e-15);
    assert.ok(two > 0 && two < 1e-14);
    assert.deepEqual(score("", ["a b"]), [0, 0, 0, 0]);
    assert.deepEqual(score("", [""]), [0, 0, 0, 0]);
  });

  it("has a millionth for the 4-grams of three words", () => {
    const [, , three = NaN, four = NaN] = score("a b c", ["a b c"]);
    assertClose(four, (three ** 3 * 1e-6) ** (1 / 4), "three words");
  });

  it("refuses an image without references", () => {
    assert.throws(() => score("a", []), {
      name: "RangeError",
      message: "BLEU: an image has no references; leave it out",
    });
  });
});

describe("ROUGE-L", () => {
  const score = (hypothesis: string, references: readonly string[]) => rougeL(words(hypothesis), references.map(words));

  it("takes the best precision and the best recall independently, from different references", () => {
    const both = score("a b c", ["a", "a b c d e f"]); // precision 3/3 of the second, recall 1/1 of the first
    assert.equal(both, 1);
    assert.ok(score("a b c", ["a"]) < 1 && score("a b c", ["a b c d e f"]) < 1);
  });

  it("takes an empty caption for one empty token", () => {
    assert.equal(score("", [""]), 1);
    assert.equal(score("", ["a dog"]), 0);
    assert.equal(score("a dog", [""]), 0);
  });

  it("has a token with a no-break space for one token, where BLEU has two words", () => {
    const split = samplesOf([["1 1/2 cups"], ["a dog"]]);
    const hypotheses = answersTo(split, ["1 1/2", "a dog"]);
    const [half = NaN] = rougeLOfMetric.score(hypotheses, split).bySample ?? [];
    assertClose(half, (2.44 * 0.5) / (0.5 + 1.44), "one token of two"); // precision 1, recall 1/2
    assert.equal(countsOf(hypotheses)[0]?.hypothesisLength, 2);
  });

  it("refuses an image without references", () => {
    assert.throws(() => score("a", []), {
      name: "RangeError",
      message: "ROUGE-L: an image has no references; leave it out",
    });
  });
});
