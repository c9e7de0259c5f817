/**
 * VQA accuracy against the official scorer's own numbers and LAVIS's (fixtures/metrics-vqa), and against a plain version of
 * it that follows the Python line by line.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Annotation, VqaSample } from "../../datasets/dataset.ts";
import { DatasetError } from "../../datasets/dataset.ts";
import { exactMatch } from "../../tasks/metrics/exact-match.ts";
import { lemmatise } from "../../tasks/metrics/lemmatise.ts";
import { vqaAccuracy, vqaAccuracyAlways, vqaAccuracyLavis } from "../../tasks/metrics/vqa-accuracy.ts";
import {
  cleanAnswer,
  contractions,
  normaliseAnswer,
  normaliseWords,
  removePunctuation,
} from "../../tasks/metrics/vqa-answer.ts";
import { roundHalfEven, vqaPercentages } from "../../tasks/metrics/vqa-percentages.ts";
import type { Hypothesis, Metric } from "../../tasks/task.ts";
import { projectUrl } from "../support/project.ts";

interface Expected {
  overall: number;
  overallUnrounded: number;
  perAnswerType: Record<string, number>;
  perQuestionType: Record<string, number>;
  perQuestion: Record<string, number>;
}

interface Golden {
  normalised: { input: string; afterPunctuation: string; afterDigitArticle: string; afterBoth: string }[];
  sets: {
    name: string;
    annotations: {
      annotations: {
        question_id: number;
        image_id: number;
        question_type: string;
        answer_type: string;
        answers: { answer: string; answer_confidence: string; answer_id: number }[];
      }[];
    };
    results: { question_id: number; answer: string }[];
    expected: Expected;
    expectedLavis: Expected;
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL("test/fixtures/metrics-vqa/vqa-accuracy.json", projectUrl), "utf8"),
) as Golden;

describe("VQA answer", () => {
  it("has the official normal form, step by step, for every string of the reference", () => {
    for (const { input, afterPunctuation, afterDigitArticle, afterBoth } of golden.normalised) {
      assert.equal(removePunctuation(input), afterPunctuation, input);
      assert.equal(normaliseWords(input), afterDigitArticle, input);
      assert.equal(normaliseAnswer(input), afterBoth, input);
    }
  });

  it("knows the official 120 contractions, the reversed one and the unreachable ones too", () => {
    assert.equal(contractions.size, 120);
    const inputs = new Set(golden.normalised.map(({ input }) => input));
    for (const misspelt of contractions.keys()) assert.ok(inputs.has(misspelt), `${misspelt} is in the fixture`);
    assert.equal(normaliseWords("somebody'd"), "somebodyd");
    assert.equal(normaliseWords("Im"), "im");
    assert.equal(normaliseWords("its shed"), "its shed");
  });

  it("takes names of object properties for the words they are", () => {
    assert.equal(normaliseWords("constructor toString __proto__"), "constructor tostring __proto__");
  });

  it("deletes punctuation beside a space or with a number like 1,000, else makes it a space", () => {
    assert.equal(removePunctuation("black/white"), "black white");
    assert.equal(removePunctuation("black /white"), "black white");
    assert.equal(removePunctuation("a-b, c-d"), "a b c d");
    assert.equal(removePunctuation("1,000-2,000"), "10002000");
    assert.equal(removePunctuation("'ok' #1 & 50% $5 *: ~"), "'ok' #1 & 50% $5 *: ~");
  });

  it("deletes full stops that no digit follows, the first 32 of them", () => {
    assert.equal(removePunctuation("U.S."), "US");
    assert.equal(removePunctuation("5. 3.14 .5 1.x"), "5 3.14 .5 1x");
    assert.equal(removePunctuation(".".repeat(40)), ".".repeat(8));
  });

  it("takes digits and white space of any script, as Python 3 does", () => {
    assert.equal(removePunctuation("١,٢;"), "١٢");
    assert.equal(removePunctuation("x.٣"), "x.٣");
    assert.equal(normaliseWords("two\u0085red\u001fdogs\u3000run"), "2 red dogs run");
    assert.equal(cleanAnswer("\u001c red\ndog\t "), "red dog");
    assert.equal(cleanAnswer("\ufeffred"), "\ufeffred");
  });

  it("maps number words before it drops articles", () => {
    assert.equal(normaliseWords("The one and a none"), "1 and 0");
    assert.equal(normaliseWords("eleven"), "eleven");
    assert.equal(normaliseWords(" "), "");
  });
});

describe("VQA accuracy", () => {
  const compared: [string, Metric<VqaSample>, (set: Golden["sets"][number]) => Expected][] = [
    ["official", vqaAccuracy, (set) => set.expected],
    ["LAVIS", vqaAccuracyLavis, (set) => set.expectedLavis],
  ];
  for (const [name, metric, expectedOf] of compared) {
    for (const set of golden.sets) {
      it(`gives the ${name} scorer's numbers for ${set.name}: overall, by type, by question`, () => {
        const hypotheses = hypothesesOf(set);
        const score = metric.score(hypotheses, []);
        const expected = expectedOf(set);
        const percentages = vqaPercentages(hypotheses, score.bySample ?? []);
        assert.equal(percentages.overall, expected.overall);
        assert.deepEqual(Object.fromEntries(percentages.perAnswerType), expected.perAnswerType);
        assert.deepEqual(Object.fromEntries(percentages.perQuestionType), expected.perQuestionType);
        assert.deepEqual(Object.fromEntries(percentages.perQuestion), expected.perQuestion);
        const sum = (score.bySample ?? []).reduce((total, value) => total + value, 0);
        assert.equal((100 * sum) / hypotheses.length, expected.overallUnrounded);
        assert.equal(score.value, sum / hypotheses.length);
      });
    }
  }

  for (const [name, metric, rule] of [
    ["official", vqaAccuracy, "official"],
    ["LAVIS", vqaAccuracyLavis, "lavis"],
    ["always", vqaAccuracyAlways, "always"],
  ] as const) {
    it(`agrees with the plain version of the ${name} rule, number for number`, () => {
      for (const set of golden.sets) {
        const hypotheses = hypothesesOf(set);
        const plain = hypotheses.map(({ sample, answer }) => plainAccuracy(answer, sample.references, rule));
        assert.deepEqual(metric.score(hypotheses, []).bySample, plain);
      }
    });
  }

  it("counts a match only among the other nine annotators", () => {
    const references = ["red", "red", "red", ...Array<string>(7).fill("maroon")];
    assert.equal(only(vqaAccuracy, "red", references).toFixed(10), "0.9000000000");
    for (const [matches, accuracy] of [0, 0.3, 0.6, 0.9, 1, 1, 1].entries()) {
      const answers = Array.from({ length: 10 }, (_, index) => (index < matches ? "red" : `other ${index}`));
      assert.equal(only(vqaAccuracy, "red", answers).toFixed(10), accuracy.toFixed(10), `${matches} matches`);
    }
  });

  it("scores any number of references", () => {
    assert.equal(only(vqaAccuracy, "red", ["red"]), 0);
    assert.equal(only(vqaAccuracy, "red", ["red", "red", "red", "red"]), 1);
    assert.equal(only(vqaAccuracy, "red", ["red", "blue"]), 1 / 6);
  });

  it("normalises nothing where the annotators agree, unless it always does", () => {
    const two = Array<string>(10).fill("two");
    assert.equal(only(vqaAccuracy, "2", two), 0);
    assert.equal(only(vqaAccuracy, "two", two), 1);
    assert.equal(only(vqaAccuracyLavis, "two", two), 0);
    assert.equal(only(vqaAccuracyAlways, "2", two), 1);
    assert.equal(only(vqaAccuracyAlways, "Two.", two), 1);
  });

  it("leaves capitals, articles and outer white space of the references to LAVIS's rule", () => {
    const mixed = [...Array<string>(9).fill("The Dog "), "cat"];
    assert.equal(only(vqaAccuracy, "dog", mixed), 1);
    assert.equal(only(vqaAccuracyLavis, "dog", mixed), 0);
    assert.equal(only(vqaAccuracyAlways, "dog", mixed), 1);
  });

  it("takes records with the same answer, confidence and id for one annotator", () => {
    const record = { answer: "red", confidence: "yes", id: 1 };
    const references = [
      record,
      { ...record },
      { ...record, confidence: "maybe" },
      { ...record, id: 2, answer: "blue" },
    ];
    // two records of one annotator have one other match each, the third has two, the fourth all three
    assert.equal(vqaAccuracy.score([hypothesis("red", references)], []).value, (1 / 3 + 1 / 3 + 2 / 3 + 1) / 4);
  });

  it("takes an empty hypothesis for an answer", () => {
    assert.equal(only(vqaAccuracy, "", ["", "", "", "", "red"]), 1);
    assert.equal(only(vqaAccuracy, "", ["red", "blue"]), 0);
  });

  it("has no score where there are no references, or no hypotheses", () => {
    for (const metric of [vqaAccuracy, vqaAccuracyLavis, vqaAccuracyAlways, exactMatch]) {
      assert.deepEqual(metric.score([hypothesis("red", [])], []), { value: null, standardError: null });
      assert.deepEqual(metric.score([], []), { value: null, standardError: null });
    }
  });

  it("refuses a split that has references for some questions only, and says for which not", () => {
    const scored = hypothesis("red", annotations(["red", "blue"]), { id: "7" });
    assert.throws(() => vqaAccuracy.score([scored, hypothesis("red", [], { id: "8" })], []), {
      name: DatasetError.name,
      message:
        "question 8 has no reference answers, question 7 has 2. Are the question and annotation files of the same split?",
    });
  });

  it("leaves samples and hypotheses as they were", () => {
    const references = Object.freeze(
      annotations([" The Dog ", "dogs."]).map((annotation) => Object.freeze(annotation)),
    );
    const sample = hypothesis("The Dog", references);
    assert.equal(vqaAccuracy.score([sample], []).value, vqaAccuracy.score([sample], []).value);
    assert.equal(references[0]?.answer, " The Dog ");
  });

  it("gives a fraction by answer type and question type, and an error clustered by image", () => {
    const references = annotations(Array<string>(10).fill("red"));
    const types = { questionType: "what color", answerType: "other" };
    const score = vqaAccuracy.score(
      [
        hypothesis("red", references, { ...types, image: "1" }),
        hypothesis("blue", references, { ...types, image: "1" }),
        hypothesis("red", references, { questionType: "__proto__", answerType: "yes/no", image: "2" }),
      ],
      [],
    );
    assert.equal(score.value, 2 / 3);
    assert.deepEqual(score.breakdown?.["answerType"], {
      other: { value: 0.5, samples: 2 },
      "yes/no": { value: 1, samples: 1 },
    });
    assert.deepEqual(Object.entries(score.breakdown["questionType"] ?? {}), [
      ["what color", { value: 0.5, samples: 2 }],
      ["__proto__", { value: 1, samples: 1 }],
    ]);
    // Questions without a type are in no group, and a breakdown of no group is none.
    const untyped = hypothesis("red", references, { questionType: "", answerType: "", image: "3" });
    assert.deepEqual(vqaAccuracy.score([untyped], []).breakdown, {});
    // image sums of differences from the mean 2/3: -1/3 and 1/3; sqrt(2/1 * 2/9) / 3
    assert.ok(Math.abs((score.standardError ?? 0) - 2 / 9) < 1e-15);
  });
});

describe("VQA percentages", () => {
  it("round an exact half to the even digit, as Python 3 does", () => {
    const rounded = [3.125, 9.375, 0.125, 0.375, 0.005, 2.675, 59.60858585858586, 100, 0].map(roundHalfEven);
    assert.deepEqual(rounded, [3.12, 9.38, 0.12, 0.38, 0.01, 2.67, 59.61, 100, 0]);
  });

  it("are made of sums, for a mean can fall on the other side of a half", () => {
    const values = [...Array<number>(3).fill(1), 0.3, ...Array<number>(44).fill(0)];
    assert.equal(100 * (3.3 / 48), 6.874999999999999);
    const hypotheses = values.map(() => hypothesis("red", []));
    assert.equal(vqaPercentages(hypotheses, values).overall, 6.88);
  });
});

describe("exact match", () => {
  it("compares normal forms on both sides", () => {
    const yes = annotations(["Yes"]);
    assert.equal(exactMatch.score([hypothesis("yes.", yes)], []).value, 1);
    assert.equal(exactMatch.score([hypothesis("the two dogs", annotations(["2 dogs"]))], []).value, 1);
    assert.equal(exactMatch.score([hypothesis("no", yes), hypothesis("yes", yes, { image: "2" })], []).value, 0.5);
  });
});

describe("lemmatise", () => {
  for (const [answer, lemmas] of [
    ["dogs", "dog"],
    ["riding horses", "ride horse"],
    ["to keep warm", "to keep warm"],
    ["two men", "two man"],
    ["he was flying kites", "he was fly kite"],
    ["don't know", "do n't know"],
    ["t-shirt", "t - shirt"],
    ["dog's toys", "dog 's toy"],
    ["mice, geese", "mouse , goose"],
    ["black and white", "black and white"],
    ["10:30", "10:30"],
    ["constructor", "constructor"],
    ["", ""],
  ]) {
    it(`makes "${lemmas ?? ""}" of "${answer ?? ""}"`, () => {
      assert.equal(lemmatise(answer ?? ""), lemmas);
    });
  }

  it("puts the e back that a short verb has lost, and only there", () => {
    const verbs = ["riding bike", "staring", "running", "eating", "parked cars", "the bus was bused", "cutting"];
    assert.deepEqual(verbs.map(lemmatise), ["ride bike", "stare", "run", "eat", "park car", "the bus was bus", "cut"]);
  });
});

/** The Python, line by line: vqaEval.py:86-113 and its two variants. */
function plainAccuracy(
  answer: string,
  references: readonly Annotation[],
  rule: "official" | "lavis" | "always",
): number {
  const records = references.map((reference) => ({ ...reference }));
  if (rule !== "lavis") for (const record of records) record.answer = cleanAnswer(record.answer);
  let result = cleanAnswer(answer);
  const differ = new Set(records.map((record) => record.answer)).size > 1;
  if (rule === "lavis" || rule === "always" || differ) result = normaliseAnswer(result);
  for (const record of records) {
    if (rule === "lavis" && differ) record.answer = removePunctuation(record.answer);
    if (rule === "always" || (rule === "official" && differ)) record.answer = normaliseAnswer(record.answer);
  }
  const accuracies = records.map((record) => {
    const others = records.filter((other) => JSON.stringify(other) !== JSON.stringify(record));
    return Math.min(1, others.filter((other) => other.answer === result).length / 3);
  });
  return accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / accuracies.length;
}

function hypothesesOf(set: Golden["sets"][number]): Hypothesis<VqaSample>[] {
  const answers = new Map(set.results.map((result) => [result.question_id, result.answer]));
  return set.annotations.annotations.map((annotation) => ({
    answer: answers.get(annotation.question_id) ?? assert.fail(`question ${annotation.question_id} has a result`),
    sample: {
      id: String(annotation.question_id),
      image: { id: String(annotation.image_id), path: "" },
      question: "q",
      questionType: annotation.question_type,
      answerType: annotation.answer_type,
      references: annotation.answers.map(({ answer, answer_confidence, answer_id }) => ({
        answer,
        confidence: answer_confidence,
        id: answer_id,
      })),
    },
  }));
}

function only(metric: Metric<VqaSample>, answer: string, references: string[]): number {
  return metric.score([hypothesis(answer, annotations(references))], []).value ?? assert.fail("a score");
}

function annotations(answers: readonly string[]): Annotation[] {
  return answers.map((answer, index) => ({ answer, confidence: "yes", id: index + 1 }));
}

function hypothesis(
  answer: string,
  references: readonly Annotation[],
  { id = "1", image = "1", questionType = "what", answerType = "other" } = {},
): Hypothesis<VqaSample> {
  return {
    answer,
    sample: { id, image: { id: image, path: "" }, question: "q", questionType, answerType, references },
  };
}
