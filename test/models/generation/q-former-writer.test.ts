/** Image-grounded text generation: the Q-Former writes what the reference writes, which has no cache (fixtures/itg/goldens.py). */
import assert from "node:assert/strict";
import path from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { parsePrecision } from "../../../models/checkpoint/precision.ts";
import { loadWriterCheckpoint } from "../../../models/load-writer.ts";
import type { LoadOptions } from "../../../models/load-blip2.ts";
import { CheckpointError } from "../../../models/model.ts";
import type { DecodingOptions, Generation, GenerationRequest, VisionLanguageModel } from "../../../models/model.ts";
import { bundledCheckpoint } from "../../support/changed-checkpoint.ts";
import { bundledData } from "../../support/fakes.ts";
import { itgGoldens } from "../../support/goldens-itg.ts";
import { cacheFolder } from "../../support/project.ts";

const options = { cacheFolder, hubCache: "/nowhere", threads: 1 };
/** As LAVIS's generate has them. */
const decoding = { lengthPenalty: 1, repetitionPenalty: 1, earlyStopping: false, newTokens: { min: 9, max: 29 } };
const searches: readonly DecodingOptions[] = [1, 3, 5].map((beams) => ({ ...decoding, beams }));

async function writer(more: Partial<LoadOptions> = {}): Promise<VisionLanguageModel> {
  return loadWriterCheckpoint(await openCheckpoint(bundledCheckpoint("shapes-itg"), options), { ...options, ...more });
}

function requests(prompt: string | null): readonly GenerationRequest[] {
  return itgGoldens.map(({ image }) => ({
    image: { id: image, path: path.join(bundledData, "val2014", image) },
    prompt,
  }));
}

function logSoftmax(logits: readonly number[]): readonly number[] {
  const largest = Math.max(...logits);
  const sum = logits.reduce((all, logit) => all + Math.exp(logit - largest), 0);
  return logits.map((logit) => logit - largest - Math.log(sum));
}

function assertPredicted(answer: { readonly status: string } | undefined): asserts answer is Generation {
  assert.equal(answer?.status, "predicted");
}

describe("the Q-Former as a writer", () => {
  let model: VisionLanguageModel;
  before(async () => {
    model = await writer();
  });
  after(() => model.release());

  for (const [what, prompt, key] of [
    ["at the beginning", null, "firstLogits"],
    ["behind words", "a picture with", "logitsBehindWords"],
  ] as const) {
    it(`ranks words ${what} as the reference does, within 1e-4`, async () => {
      const steps = await model.firstStep!(requests(prompt));
      for (const [index, each] of itgGoldens.entries()) {
        const step = steps[index]!;
        assert.ok(step.status === "ranked");
        const expected = logSoftmax(each[key]);
        const difference = Math.max(...expected.map((value, token) => Math.abs(value - step.logProbabilities[token]!)));
        assert.ok(difference <= 1e-4, `${each.image}: ${difference}`); // sums in another order
      }
    });
  }

  for (const search of searches) {
    it(`writes the reference's tokens with ${search.beams} beams, in a batch, alone, joined later, and in one graph`, async () => {
      const inGraph = await writer({ generation: "graph" });
      const ways = [
        await model.generate(requests(null), search),
        await model.generate(requests(null), search, { size: 1, refill: false, sharePrompt: false }),
        await model.generate(requests(null), search, { size: 2, refill: true, sharePrompt: true }),
        await inGraph.generate(requests(null), search),
      ];
      await inGraph.release();
      for (const answers of ways) {
        for (const [index, { image, tokens, text }] of itgGoldens.entries()) {
          const answer = answers[index];
          assertPredicted(answer);
          assert.deepEqual(answer.tokens, tokens[String(search.beams)], image);
          if (search.beams === 3) assert.equal(answer.text, text);
        }
      }
    });
  }

  it("shows text as it grows, and how likely each word was", async () => {
    const pieces: string[] = [];
    const [answer] = await model.generate(requests(null).slice(0, 1), {
      ...searches[0]!,
      tokenProbabilities: true,
      onText: (_, piece) => pieces.push(piece),
    });
    assertPredicted(answer);
    assert.equal(pieces.join(""), answer.text);
    assert.ok(pieces.length > 3);
    assert.equal(answer.shownTokens?.map(({ text }) => text).join(""), answer.text);
  });

  it("says how likely given texts are, by the reference's logits", async () => {
    const asked = requests(null).map((request) => ({ ...request, candidates: ["a", "there", "blue"] }));
    const found = await model.weigh!(asked);
    for (const [index, { firstLogits }] of itgGoldens.entries()) {
      const weighed = found[index]!;
      assert.ok(weighed.status === "weighed");
      const expected = weighed.tokens.map(([token = 0]) => logSoftmax(firstLogits)[token]!);
      assert.deepEqual(
        weighed.tokens.map(({ length }) => length),
        [1, 1, 1],
      );
      for (const [candidate, value] of expected.entries()) {
        assert.ok(Math.abs(weighed.logProbabilities[candidate]! - value) <= 1e-4);
      }
    }
  });

  it("writes nearly the same in int8, and refuses a text that its positions do not hold", async () => {
    const quantized = await writer({ precision: parsePrecision("int8") });
    const answers = await quantized.generate(requests(null), searches[0]!);
    await quantized.release();
    const first = answers.map((answer) => (answer.status === "predicted" ? answer.tokens[0] : null));
    const expected = itgGoldens.map(({ tokens }) => tokens["1"]![0]);
    assert.ok(first.filter((token, index) => token === expected[index]).length >= 4, String(first));
    const long = await model.generate([{ ...requests("a ".repeat(60))[0]! }], searches[0]!);
    assert.match(JSON.stringify(long), /the text is too long: 61 tokens \+ 29 new = 90 positions, the Q-Former has 64/);
  });

  it("needs a head, which shapes-itm has not", async () => {
    const checkpoint = await openCheckpoint(bundledCheckpoint("shapes-itm"), options);
    await assert.rejects(loadWriterCheckpoint(checkpoint, options), (error: unknown) => {
      assert.ok(error instanceof CheckpointError);
      assert.equal(
        error.message,
        "shapes-itm: its Q-Former has no head to write with. Make one with: npx blip2-bench convert",
      );
      return true;
    });
  });
});
