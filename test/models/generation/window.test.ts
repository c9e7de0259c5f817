/**
 * Windows of questions on the bundled checkpoints: whatever the batch size, and whatever is shared or filled again, answers
 * are those of the plain way: one question at a time, its image encoded for it alone.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import type {
  Batching,
  DecodingOptions,
  FailedGeneration,
  Generation,
  GenerationRequest,
  VisionLanguageModel,
} from "../../../models/model.ts";
import { bundledData } from "../../support/fakes.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";

type Answer = Generation | FailedGeneration;

const plain: Batching = { size: 1, refill: false, sharePrompt: false, shareImages: false };

const waysToAsk: readonly Batching[] = [
  { size: 1, refill: true, sharePrompt: true },
  { size: 3, refill: false, sharePrompt: false },
  { size: 3, refill: true, sharePrompt: false, shareImages: false },
  { size: 3, refill: true, sharePrompt: true },
  { size: 8, refill: true, sharePrompt: false },
  { size: 8, refill: false, sharePrompt: true },
  { size: 100, refill: true, sharePrompt: true },
];

const vqa = { newTokens: { min: 0, max: 10 }, lengthPenalty: -1, repetitionPenalty: 1, earlyStopping: false };
const decodings: Readonly<Record<string, DecodingOptions>> = {
  "greedy search": { ...vqa, beams: 1 },
  "five beams": { ...vqa, beams: 5 },
  "between 4 and 12 new tokens": { ...vqa, beams: 3, newTokens: { min: 4, max: 12 }, lengthPenalty: 1 },
  // OPT counts the prompt's tokens, those that are run with the image, too.
  "a repetition penalty": { ...vqa, beams: 3, repetitionPenalty: 1.5, lengthPenalty: 0 },
  "a repetition penalty, greedily": { ...vqa, beams: 1, repetitionPenalty: 1.5 },
  "a single new token": { ...vqa, beams: 2, newTokens: { min: 0, max: 1 } },
};

function picture(number: number): GenerationRequest["image"] {
  const name = `COCO_val2014_${String(number).padStart(12, "0")}.jpg`;
  return { id: String(number), path: path.join(bundledData, "val2014", name) };
}

/** All begin with "Question: what"; from 8 to some 60 tokens. */
const questions = [
  "Question: what color is the star in the picture? Answer:",
  "Question: what is it? Answer:",
  `Question: what ${"big and small and ".repeat(6)}color is the square in the picture? Answer:`,
  "Question: what number of shapes are there? Answer:",
  "Question: what",
];
const requests = [1000, 1953, 5676].flatMap((number) =>
  questions.map((prompt) => ({ image: picture(number), prompt })),
);

/**
 * Tokens and text are equal. Sums of log-probabilities, of which scores are made, are within 1e-5: how many keys are masked
 * changes the order in which attention adds up the others.
 */
function assertSameAnswers(
  found: readonly Answer[],
  expected: readonly Answer[],
  { lengthPenalty }: DecodingOptions,
): void {
  assert.equal(found.length, expected.length);
  for (const [index, answer] of found.entries()) {
    const other = expected[index]!;
    if (answer.status === "failed" || other.status === "failed") {
      assert.deepEqual(answer, other);
      continue;
    }
    assert.deepEqual(answer.tokens, other.tokens, `tokens of request ${index}`);
    assert.equal(answer.text, other.text);
    const difference = Math.abs((answer.score ?? 0) - (other.score ?? 0)) * answer.tokens.length ** lengthPenalty;
    assert.ok(difference <= 1e-5, `score of request ${index}: off by ${difference}`);
  }
}

async function oneByOne(
  model: VisionLanguageModel,
  asked: readonly GenerationRequest[],
  options: DecodingOptions,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (const request of asked) answers.push(...(await model.generate([request], options, plain)));
  return answers;
}

for (const name of ["shapes-opt-small", "shapes-opt-base", "shapes-t5-small", "shapes-t5-base"]) {
  describe(`a window of ${name}`, () => {
    let model: VisionLanguageModel;
    before(async () => {
      const where = path.join(projectRoot, "models", "bundled", name);
      model = await loadBlip2(where, { threads: 1, cacheFolder, hubCache: "" });
    });
    after(() => model.release());

    for (const [decoding, options] of Object.entries(decodings)) {
      it(`is answered as one by one: ${decoding}`, async () => {
        const expected = await oneByOne(model, requests, options);
        for (const way of waysToAsk) assertSameAnswers(await model.generate(requests, options, way), expected, options);
        assertSameAnswers(await model.generate(requests, options), expected, options);
      });
    }

    it("may come in any order, with images in no order, and after another window", async () => {
      const options = decodings["five beams"]!;
      const shuffled = requests.map((_, index) => requests[(index * 7) % requests.length]!);
      const expected = await oneByOne(model, shuffled, options);
      const way = { size: 3, refill: true, sharePrompt: true };
      await model.generate([{ image: picture(1000), prompt: "a photo of" }], options, way);
      assertSameAnswers(await model.generate(shuffled, options, way), expected, options);
      assertSameAnswers(await model.generate(shuffled.toReversed(), options, way), expected.toReversed(), options);
    });

    it("has answers for the rest when an image cannot be read and a prompt is too long", async () => {
      const options = decodings["five beams"]!;
      const missing = { image: { id: "none", path: "none.jpg" }, prompt: "Question: what is it? Answer:" };
      const long = { image: picture(1000), prompt: `Question: what ${"color ".repeat(200)}` };
      const asked = [...requests.slice(0, 4), missing, ...requests.slice(4, 6), long, ...requests.slice(6, 9)];
      const reported = new Map<number, Answer>();
      const onAnswer = (request: number, answer: Answer): void => {
        assert.ok(!reported.has(request), "each is reported once");
        reported.set(request, answer);
      };
      const answers = await model.generate(asked, options, { size: 3, refill: true, sharePrompt: true, onAnswer });
      assert.equal(answers[4]?.status, "failed");
      const longAnswer = answers[7]!;
      if (model.family === "opt") {
        assert.ok(longAnswer.status === "failed");
        assert.match(longAnswer.error, /^the prompt is too long: \d+ queries \+ 20\d prompt tokens \+ 10 new = /);
      } else {
        assert.equal(longAnswer.status, "predicted");
      }
      assertSameAnswers(answers, await oneByOne(model, asked, options), options);
      assert.deepEqual(
        answers,
        asked.map((_, index) => reported.get(index)),
      );
    });
  });
}

describe("a window", () => {
  let model: VisionLanguageModel;
  before(async () => {
    const where = path.join(projectRoot, "models", "bundled", "shapes-opt-small");
    model = await loadBlip2(where, { threads: 1, cacheFolder, hubCache: "" });
  });
  after(() => model.release());
  const options = decodings["five beams"]!;

  it("may be empty, or of requests that all fail", async () => {
    const way = { size: 2, refill: true, sharePrompt: true };
    assert.deepEqual(await model.generate([], options, way), []);
    assert.deepEqual(await model.generate([], options), []);
    const missing = { image: { id: "none", path: "none.jpg" }, prompt: "a photo of" };
    const answers = await model.generate([missing, missing, missing], options, way);
    assert.deepEqual(
      answers.map(({ status }) => status),
      ["failed", "failed", "failed"],
    );
  });

  it("is refused with a batch size that is none", async () => {
    for (const size of [0, -1, 1.5, Number.NaN]) {
      await assert.rejects(model.generate(requests, options, { ...plain, size }), {
        name: "RangeError",
        message: `batching: size is ${size}, expected a whole number from 1 on.`,
      });
    }
  });

  it("encodes an image once for all its requests, or for each where that is asked for", async () => {
    const timed = async (batching: Batching): Promise<number> => {
      const images = requests.map(({ image, prompt }) => ({ image: { ...image, id: `${image.id} again` }, prompt }));
      const answers = await model.generate(images, options, batching);
      return answers.filter((answer) => answer.status === "predicted" && "vision" in answer.latencyMs).length;
    };
    assert.equal(await timed({ ...plain, size: 4 }), requests.length);
    assert.equal(await timed({ ...plain, size: 4, shareImages: true }), 3);
    assert.equal(await timed({ ...plain, size: 4, shareImages: true }), 0, "they are kept for the next window");
  });
});
