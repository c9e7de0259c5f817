/** Accuracy over choices, by what an answer means and by likelihood, against what generated samples were made with. */
import assert from "node:assert/strict";
import type { VqaSample } from "../../datasets/dataset.ts";
import { scorePredictions } from "../../harness/evaluation/generation/score.ts";
import type { Outcome } from "../../reports/records/journal.ts";
import { choiceMeant } from "../../tasks/choices.ts";
import { choiceAccuracy } from "../../tasks/metrics/choice-accuracy.ts";
import { textMetrics } from "../../tasks/metrics/named-metrics.ts";
import type { Hypothesis } from "../../tasks/task.ts";
import { vqav2 } from "../../tasks/vqav2.ts";
import { assertClose, congruential } from "../support/captions.ts";
import { meanOf, plainStandardError } from "../support/plain-metrics.ts";

function sampleOf(id: string, choices: readonly string[], references: readonly string[], image = id): VqaSample {
  return {
    id,
    image: { id: image, path: `${image}.jpg` },
    question: "what is it?",
    questionType: "",
    answerType: "",
    references: references.map((answer, index) => ({ answer, confidence: "", id: index + 1 })),
    ...(choices.length > 0 && { choices }),
  };
}

describe("the choice that an answer means", () => {
  const choices = ["a red circle", "The blue star!", "nothing", "b", "a"];
  const meant: readonly (readonly [answer: string, choice: number | null])[] = [
    ["Red circle.", 0],
    ["red", null],
    ["the blue star", 1],
    [" blue  star\n", 1],
    ["(A)", 0],
    ["A", 4], // a text, before the letter
    ["b", 3],
    ["B.", 3], // its normal form is the text b
    ["(b)", 3],
    ["c", 2],
    ["C:", 2],
    ["c)", 2],
    ["e", 4],
    ["f", null],
    ["", null],
    ["A red circle or B", null],
    ["none", null],
  ];
  for (const [answer, choice] of meant) {
    it(`"${answer}" is ${choice === null ? "none" : `"${choices[choice]!}"`}`, () => {
      assert.equal(choiceMeant(answer, choices), choice);
    });
  }

  it("is the first of choices that read alike", () => {
    assert.equal(choiceMeant("two", ["one", "2", "two"]), 1);
    assert.equal(choiceMeant("a", []), null);
  });
});

const words = ["red", "blue", "green", "circle", "star", "cross", "seven", "left"];

interface Generated {
  readonly hypotheses: readonly Hypothesis<VqaSample>[];
  /** Of each hypothesis, whether it is right by the answer, the sum, the mean over tokens, over characters. */
  readonly right: readonly (readonly boolean[])[];
}

/** Samples of which it is known what is right, for they are made from it. */
function generated(random: () => number): Generated {
  const below = (count: number): number => Math.floor(random() * count);
  const hypotheses: Hypothesis<VqaSample>[] = [];
  const right: boolean[][] = [];
  for (let place = 0; place < 12; place += 1) {
    const count = 2 + below(4);
    const choices = Array.from({ length: count }, (_, index) =>
      [words[index]!, ...Array.from({ length: below(3) }, () => words[below(8)]!)].join(" "),
    );
    const [reference, answered] = [below(count), below(count + 1)];
    const spelt = (index: number): string => {
      const [text, letter] = [choices[index]!, "abcdefg"[index]!];
      return [text, text.toUpperCase(), `The ${text}.`, letter, `(${letter})`, `${letter.toUpperCase()}.`][below(6)]!;
    };
    const candidates = choices.map((text, index) => ({
      index,
      text,
      logProbability: -1 - below(6),
      tokens: 1 + below(3),
    }));
    candidates.sort((a, b) => b.logProbability - a.logProbability); // recorded best first, not in the list's order
    hypotheses.push({
      sample: sampleOf(String(place), choices, [spelt(reference)], String(below(5))),
      answer: answered === count ? "something else" : spelt(answered),
      candidates,
    });
    const inOrder = choices.map((_, index) => candidates.find((each) => each.index === index)!);
    const best = (scores: readonly number[]): number => scores.indexOf(Math.max(...scores));
    right.push([
      answered === reference,
      best(inOrder.map((each) => each.logProbability)) === reference,
      best(inOrder.map((each) => each.logProbability / each.tokens)) === reference,
      best(inOrder.map((each) => each.logProbability / each.text.length)) === reference,
    ]);
  }
  return { hypotheses, right };
}

const names = ["", "-sum", "-per-token", "-per-character"].map((end) => `choice-accuracy${end}`);

describe("accuracy over choices", () => {
  it("is 1 where the reference was chosen: by the answer, by likelihood, by its means; with clustered errors", () => {
    const random = congruential(19);
    for (let round = 0; round < 40; round += 1) {
      const { hypotheses, right } = generated(random);
      const split = hypotheses.map(({ sample }) => sample);
      for (const [place, name] of names.entries()) {
        const metric = textMetrics.find((each) => each.name === name)!;
        assert.equal(metric.appliesTo?.(hypotheses, split), true);
        const score = metric.score(hypotheses, split);
        const expected = right.map((own) => (own[place] === true ? 1 : 0));
        assert.deepEqual(score.bySample, expected, name);
        assertClose(score.value, meanOf(expected), name);
        const workings = hypotheses.map((_, index) => metric.explain!(index, hypotheses, split));
        assert.deepEqual(
          workings.map((working) => working.score),
          expected,
        );
        const images = split.map(({ image }) => image.id);
        assertClose(score.standardError, plainStandardError(expected, images), name);
      }
    }
  });

  it("is worked out choice by choice", () => {
    const sample = sampleOf("1", ["red", "deep blue"], ["B"]);
    const candidates = [
      { index: 0, text: "red", logProbability: -1, tokens: 1 },
      { index: 1, text: "deep blue", logProbability: -1.5, tokens: 3 },
    ];
    const hypotheses = [{ sample, answer: "Red.", candidates }];
    const steps = names.slice(0, 3).map((name) => {
      const metric = textMetrics.find((each) => each.name === name)!;
      return metric.explain!(0, hypotheses, [sample]).steps.map(({ what, result }) => `${what}: ${result}`);
    });
    const references = 'the references: B, "deep blue"';
    assert.deepEqual(steps, [
      ['the answer "Red.": A, "red"', references],
      [
        'choice A, "red", log-probability -1: -1',
        'choice B, "deep blue", log-probability -1.5: -1.5',
        'the likeliest: A, "red"',
        references,
      ],
      [
        'choice A, "red", log-probability -1: -1',
        'choice B, "deep blue", log-probability -1.5: -0.5',
        'the likeliest: B, "deep blue"',
        references,
      ],
    ]);
    const unasked = [{ sample: sampleOf("1", ["red"], []), answer: "red" }];
    assert.equal(choiceAccuracy.explain!(0, unasked, []).score, null);
  });

  it("by likelihood is of runs that ranked the choices alone", () => {
    const { hypotheses } = generated(congruential(3));
    const split = hypotheses.map(({ sample }) => sample);
    const byLikelihood = textMetrics.filter(({ name }) => names.slice(1).includes(name));
    assert.equal(byLikelihood.length, 3);
    for (const metric of byLikelihood) {
      const generatedOnes = hypotheses.map(({ sample, answer }) => ({ sample, answer }));
      const others = hypotheses.map((each) => ({ ...each, candidates: each.candidates!.slice(1) }));
      for (const without of [generatedOnes, others]) {
        assert.equal(metric.appliesTo?.(without, split), false);
        assert.deepEqual(metric.score(without, split), { value: null, standardError: null });
      }
    }
  });

  it("says what is wrong with choices and references", () => {
    const choices = ["red", "blue"];
    const answered = (sample: VqaSample): Hypothesis<VqaSample> => ({ sample, answer: "red" });
    const score = (...samples: readonly VqaSample[]): unknown => choiceAccuracy.score(samples.map(answered), samples);
    assert.throws(() => score(sampleOf("1", choices, ["green"])), {
      name: "DatasetError",
      message:
        'question 1: reference "green" is none of its choices, which are "red", "blue". ' +
        "Give a choice's text, or its letter: A is the first.",
    });
    assert.throws(() => score(sampleOf("1", choices, ["a"]), sampleOf("2", [], ["red"])), {
      name: "DatasetError",
      message:
        "question 2 has no choices, question 1 has 2. Give every question some, or score others by another metric.",
    });
    assert.deepEqual(score(sampleOf("1", choices, [])), { value: null, standardError: null });
    assert.deepEqual(score(sampleOf("1", [], ["red"])), { value: null, standardError: null });
  });

  it("stands in the scores of runs on samples with choices, and in no others", () => {
    const scoresOf = (sample: VqaSample, outcome: Outcome) =>
      scorePredictions(
        { ...vqav2, metrics: textMetrics },
        {
          split: { name: "val", samples: [sample], files: [], imageFolder: "" },
          samples: [sample],
          outcomes: new Map([[sample.id, outcome]]),
          answer: (text) => text.trim(),
          cluster: null,
          checkpoint: "fake",
          code: "",
        },
      ).metrics.flatMap(({ name, value }) => (name.startsWith("choice-") ? [`${name} ${String(value)}`] : []));
    const best = ["red", "blue"].map((text, index) => ({
      index,
      text,
      logProbability: -1 - index,
      tokens: 1 + 3 * index,
    }));
    const generatedAnswer: Outcome = { status: "predicted", text: " Blue." };
    const ranked: Outcome = { status: "predicted", text: "red", candidates: { count: 2, best } };
    const sample = sampleOf("1", ["red", "blue"], ["B"]);
    assert.deepEqual(scoresOf(sample, generatedAnswer), ["choice-accuracy 1"]);
    assert.deepEqual(scoresOf(sample, ranked), [
      "choice-accuracy 0",
      "choice-accuracy-sum 0",
      "choice-accuracy-per-token 1",
      "choice-accuracy-per-character 0",
    ]);
    assert.deepEqual(scoresOf(sampleOf("1", [], ["blue"]), generatedAnswer), []);
  });
});
