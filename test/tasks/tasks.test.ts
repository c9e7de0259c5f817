/**
 * The questions each task asks, the words it asks them in, and what it makes of an answer: one whole sample a task, from the
 * question as it is written to its score.
 */
import assert from "node:assert/strict";
import type { VqaSample } from "../../datasets/dataset.ts";
import { blipCaption } from "../../tasks/caption-text.ts";
import { gqa } from "../../tasks/gqa.ts";
import { okVqa } from "../../tasks/ok-vqa.ts";
import { blipQuestion } from "../../tasks/question-text.ts";
import type { GenerationTask, ProtocolName } from "../../tasks/task.ts";
import { vqav2 } from "../../tasks/vqav2.ts";

describe("question text", () => {
  it("is lower case, without ten punctuation characters; others stay", () => {
    assert.equal(blipQuestion("What color is the cat?"), "what color is the cat?");
    assert.equal(blipQuestion(`A.B! "C" (D) *E #F: G; H~I?`), "ab c d e f g hi?");
    assert.equal(blipQuestion("It's a well-known dog, isn't it?"), "it's a well-known dog, isn't it?");
  });

  it("loses spaces at its end, not at its start, and no other white space", () => {
    assert.equal(blipQuestion("  what  now ?  "), "  what  now ?");
    assert.equal(blipQuestion("what\tnow \n"), "what\tnow \n");
    assert.equal(blipQuestion("why? ."), "why?");
  });

  it("keeps its first 50 pieces between single spaces", () => {
    const words = Array.from({ length: 60 }, (_, index) => `w${index}`);
    assert.equal(blipQuestion(words.join(" ")), words.slice(0, 50).join(" "));
    assert.equal(blipQuestion(words.slice(0, 50).join(" ")), words.slice(0, 50).join(" "));
    assert.equal(blipQuestion(`a  ${words.join(" ")}`), `a  ${words.slice(0, 48).join(" ")}`);
    assert.equal(blipQuestion(""), "");
  });
});

describe("caption text", () => {
  it("is lower case, with a space for each of ten punctuation characters and one for a run of them", () => {
    assert.equal(blipCaption("A dog. Two cats!"), "a dog two cats");
    assert.equal(blipCaption("Red,blue-green; (what?)"), "red,blue-green what?");
  });

  it("collapses white space from two characters on: a single newline stays inside, and goes at the end", () => {
    assert.equal(blipCaption(" a\tdog \n runs\nfast\n"), "a\tdog runs\nfast");
    assert.equal(blipCaption("a dog .\n"), "a dog");
    assert.equal(blipCaption("a\u001f\u0085dog"), "a dog");
  });

  it("keeps its first 50 words", () => {
    const words = Array.from({ length: 60 }, (_, index) => `w${index}`);
    assert.equal(blipCaption(words.join(". ")), words.slice(0, 50).join(" "));
    assert.equal(blipCaption(" .. "), "");
  });
});

interface Asked {
  readonly task: GenerationTask<VqaSample>;
  readonly sample: VqaSample;
  readonly question: string;
  /** Generated text → the answer that is scored → its score by the task's first metric. */
  readonly generated: readonly [text: string, answer: string, score: number][];
}

const asked: Asked[] = [
  {
    task: vqav2,
    sample: sampleOf("What color is the bus?", [
      ...Array<string>(3).fill("red"),
      ...Array<string>(5).fill("dark red"),
      ...Array<string>(2).fill("maroon"),
    ]),
    question: "what color is the bus?",
    generated: [
      [" red\n", "red", 0.9],
      ["Dark red.", "Dark red.", 1],
    ],
  },
  {
    task: okVqa,
    sample: sampleOf("What do people do on these animals?", [
      ...Array<string>(6).fill("ride"),
      ...Array<string>(4).fill("ride horse"),
    ]),
    question: "what do people do on these animals?",
    generated: [
      [" riding\n", "ride", 1],
      ["riding horses", "ride horse", 1],
      ["rides", "ride", 1],
      ["sit", "sit", 0],
    ],
  },
  {
    task: gqa,
    sample: sampleOf("Is the bowl to the left of the spoon?", ["no"]),
    question: "is the bowl to the left of the spoon?",
    generated: [
      [" no\n", "no", 1],
      ["No.", "No.", 1],
      ["not", "not", 0],
    ],
  },
];

for (const { task, sample, question, generated } of asked) {
  describe(`task ${task.name}`, () => {
    it("asks as the paper says: OPT for an answer, T5 for a short one", () => {
      const { prompt, maxPromptTokens } = task.protocols.paper;
      assert.equal(prompt.opt(sample), `Question: ${question} Answer:`);
      assert.equal(prompt.t5(sample), `Question: ${question} Short answer:`);
      assert.equal(maxPromptTokens, undefined);
    });

    it("asks as LAVIS does: both for a short answer, OPT's prompt cut to 32 tokens", () => {
      const { prompt, maxPromptTokens } = task.protocols.lavis;
      assert.equal(prompt.opt(sample), `Question: ${question} Short answer:`);
      assert.equal(prompt.t5(sample), `Question: ${question} Short answer:`);
      assert.deepEqual(maxPromptTokens, { opt: 32 });
    });

    it("decodes with five beams, one to ten tokens, and each protocol's length penalty", () => {
      const decoding = (lengthPenalty: number): object => ({
        beams: 5,
        newTokens: { min: 0, max: 10 },
        lengthPenalty,
        repetitionPenalty: 1,
        earlyStopping: false,
      });
      // The paper's -1 over OPT's prompt and answer is 0 over its answer; T5 never had its prompt in the length.
      assert.deepEqual(task.protocols.paper.decoding, { opt: decoding(0), t5: decoding(-1) });
      assert.deepEqual(task.protocols.lavis.decoding, { opt: decoding(0), t5: decoding(-1) });
    });

    for (const [text, answer, score] of generated) {
      it(`makes ${JSON.stringify(answer)} of ${JSON.stringify(text)} and scores it ${score}`, () => {
        for (const protocol of ["paper", "lavis"] satisfies ProtocolName[]) {
          assert.equal(task.protocols[protocol].answer(text), answer);
        }
        const [metric] = task.metrics;
        const value = metric?.score([{ sample, answer }], [sample]).value ?? assert.fail("a score");
        assert.ok(Math.abs(value - score) < 1e-15);
      });
    }

    it("has published scores for splits it can open and metrics it has", () => {
      assert.ok(task.published.length >= 4);
      for (const published of task.published) {
        assert.ok(task.dataset.splits.includes(published.split), published.split);
        assert.ok(
          task.metrics.some((metric) => metric.name === published.metric),
          published.metric,
        );
        assert.ok(published.value > 0.3 && published.value < 0.7, "a fraction, not percent");
      }
    });
  });
}

function sampleOf(question: string, answers: readonly string[]): VqaSample {
  return {
    id: "1",
    image: { id: "1", path: "" },
    question,
    questionType: "",
    answerType: "",
    references: answers.map((answer, index) => ({ answer, confidence: "yes", id: index + 1 })),
  };
}
