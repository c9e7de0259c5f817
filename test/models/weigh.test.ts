/** How likely candidates are, against transformers on the bundled checkpoints (fixtures/likelihoods), and batched against one by one. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { loadBlip2 } from "../../models/load-blip2.ts";
import type { CandidatesRequest, VisionLanguageModel, WeighedCandidates } from "../../models/model.ts";
import { parsePrecision } from "../../models/checkpoint/precision.ts";
import { OutOfDeviceMemoryError } from "../../models/device/device-error.ts";
import { inSmallerBatches } from "../../models/smaller-batches.ts";
import { bundledCheckpoint } from "../support/changed-checkpoint.ts";
import { bundledData, fakeModel } from "../support/fakes.ts";
import { cacheFolder, projectRoot } from "../support/project.ts";
import { scaledCheckpoint } from "../support/scaled-checkpoint.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

interface GoldenCase {
  readonly image: string;
  readonly prompt: string | null;
  readonly candidates: readonly {
    readonly text: string;
    readonly tokens: readonly number[];
    readonly logProbability: number;
  }[];
}

const goldens = JSON.parse(
  readFileSync(path.join(projectRoot, "test", "fixtures", "likelihoods", "likelihoods.json"), "utf8"),
) as Readonly<Record<string, readonly GoldenCase[]>>;

const options = { threads: 1, cacheFolder, hubCache: "" };

function requestOf({ image, prompt, candidates }: GoldenCase): CandidatesRequest {
  const file = { id: image, path: path.join(bundledData, image) };
  return { image: file, prompt, candidates: candidates.map(({ text }) => text) };
}

async function weigh(
  model: VisionLanguageModel,
  requests: readonly CandidatesRequest[],
  batching?: { readonly size: number; readonly sharePrompt: boolean },
): Promise<readonly WeighedCandidates[]> {
  const answers = (await model.weigh?.(requests, batching)) ?? [];
  assert.equal(answers.length, requests.length);
  return answers.map((answer) => {
    assert.equal(answer.status, "weighed", answer.status === "failed" ? answer.error : "");
    return answer;
  });
}

/** The largest difference of two lists of sums. */
function apart(some: readonly WeighedCandidates[], others: readonly (readonly number[])[]): number {
  assert.equal(some.length, others.length);
  return Math.max(
    ...some.flatMap(({ logProbabilities }, index) => {
      assert.equal(logProbabilities.length, others[index]!.length);
      return [...logProbabilities].map((sum, candidate) => Math.abs(sum - others[index]![candidate]!));
    }),
  );
}

const expectedSums = ({ candidates }: GoldenCase): readonly number[] =>
  candidates.map(({ logProbability }) => logProbability);

for (const [name, cases] of Object.entries(goldens)) {
  describe(`candidates of ${name}`, () => {
    let model: VisionLanguageModel;
    before(async () => {
      model = await loadBlip2(bundledCheckpoint(name), options);
    });
    after(() => model.release());

    it("have the tokens and the log-probabilities that transformers gives each alone", async () => {
      const weighed = await weigh(model, cases.map(requestOf));
      for (const [index, { candidates }] of cases.entries()) {
        assert.deepEqual(
          weighed[index]!.tokens,
          candidates.map(({ tokens }) => tokens),
        );
      }
      const difference = apart(weighed, cases.map(expectedSums));
      assert.ok(difference <= 1e-4, `off by ${difference}`); // fp32 products, added up in another order; 2.5e-5 was seen
    });

    it("are as likely one by one as in batches that share images and prompts", async () => {
      const requests = cases.map(requestOf);
      const alone: number[][] = [];
      for (const request of requests) {
        const own: number[] = [];
        for (const candidate of request.candidates) {
          const [one] = await weigh(model, [{ ...request, candidates: [candidate] }]);
          own.push(one!.logProbabilities[0]!);
        }
        alone.push(own);
      }
      for (const size of [1, 3, 16]) {
        for (const sharePrompt of [false, true]) {
          const difference = apart(await weigh(model, requests, { size, sharePrompt }), alone);
          assert.ok(difference <= 1e-4, `batches of ${size}: off by ${difference}`);
        }
      }
    });
  });
}

describe("candidates of a model in another precision", () => {
  // Of sums down to -40. Seen: 0.023, 0.34 and 3.1; a candidate behind another's tokens is off by more than 10.
  const tolerances = { fp16: 0.1, int8: 1, int4: 6 };

  for (const [precision, tolerance] of Object.entries(tolerances)) {
    for (const name of ["shapes-opt-small", "shapes-t5-small"]) {
      it(`are about as likely in ${precision}, by ${name}, alone and in batches`, async () => {
        const cases = goldens[name]!;
        const expected = cases.map(expectedSums);
        const model = await loadBlip2(bundledCheckpoint(name), { ...options, precision: parsePrecision(precision) });
        const requests = cases.map(requestOf);
        const alone = await weigh(model, requests, { size: 1, sharePrompt: false });
        const together = await weigh(model, requests, { size: 16, sharePrompt: true });
        await model.release();
        for (const weighed of [alone, together]) {
          const difference = apart(weighed, expected);
          assert.ok(difference <= tolerance, `off by ${difference}`);
        }
      });
    }
  }
});

describe("candidates that cannot be weighed", () => {
  const id = "COCO_val2014_000000000108.jpg";
  const image = { id, path: path.join(bundledData, "val2014", id) };
  const asked: CandidatesRequest = {
    image,
    prompt: "Question: what is it? Answer:",
    candidates: ["a cross", "a star"],
  };
  const load = (generation: "stepwise" | "graph"): Promise<VisionLanguageModel> =>
    loadBlip2(bundledCheckpoint("shapes-opt-small"), { ...options, generation });

  it("fail alone, with the reason", async () => {
    const model = await load("stepwise");
    const answers = await model.weigh?.([
      asked,
      { ...asked, candidates: [] },
      { ...asked, candidates: ["a cross", ""], prompt: null },
      { ...asked, candidates: ["a cross", "word ".repeat(300)] },
      { ...asked, image: { id: "gone", path: "gone.jpg" } },
      { ...asked, maxPromptTokens: 3 },
    ]);
    const errors = (answers ?? []).map((answer) => (answer.status === "failed" ? answer.error : answer.status));
    const [tooLong, gone] = [errors[3]!, errors[4]!];
    assert.deepEqual(errors, [
      "weighed",
      "no candidate to choose an answer from",
      'candidate 2, "", has no token',
      tooLong,
      gone,
      "weighed",
    ]);
    assert.match(
      tooLong,
      /^the prompt is too long: 8 queries \+ \d+ prompt tokens \+ \d+ new = \d+ positions, the language/,
    );
    assert.match(gone, /gone\.jpg/);
    await assert.rejects(model.weigh!([asked], { size: 0, sharePrompt: false }), {
      name: "RangeError",
      message: "batching: size is 0, expected a whole number from 1 on.",
    });
    assert.deepEqual(await model.weigh?.([]), []);
    await model.release();
  });

  it("are for models whose loop is no graph", async () => {
    const model = await load("graph");
    assert.equal(model.weigh, undefined);
    await model.release();
  });

  it("leave nothing behind that would spoil the next batch, where logits are not numbers", async () => {
    const folder = scaledCheckpoint(temporaryFolder(), {
      "language_model.model.decoder.layers.0.final_layer_norm.weight": 1e30,
      "language_model.model.decoder.layers.0.fc1.weight": 1e30,
    });
    const model = await loadBlip2(folder, options);
    const answers = (await model.weigh?.([asked, asked], { size: 1, sharePrompt: false })) ?? [];
    await model.release();
    assert.equal(answers.length, 2);
    for (const answer of answers) {
      assert.match(answer.status === "failed" ? answer.error : "", /logits are not numbers: they outgrow fp32/);
    }
  });
});

describe("candidates on a device whose memory runs out", () => {
  const request = (id: string): CandidatesRequest => ({ image: { id, path: id }, prompt: null, candidates: ["a"] });
  const weighed = ({ image }: CandidatesRequest): WeighedCandidates => {
    return { status: "weighed", logProbabilities: Float64Array.of(-image.id.length), tokens: [[1]], latencyMs: {} };
  };

  it("are weighed in halves, and what does not fit alone has failed", async () => {
    const sizes: number[] = [];
    const model: VisionLanguageModel = {
      ...fakeModel(),
      weigh: (requests) => {
        sizes.push(requests.length);
        const isTooMuch = requests.length > 2 || requests.some(({ image }) => image.id === "huge");
        return isTooMuch
          ? Promise.reject(new OutOfDeviceMemoryError("graph decoder on cuda: out of memory"))
          : Promise.resolve(requests.map(weighed));
      },
    };
    const answers = await inSmallerBatches(model, { onNote: () => undefined }).weigh?.(
      ["a", "bb", "huge", "ccc", "dddd"].map(request),
    );
    assert.deepEqual(
      answers?.map((answer) => (answer.status === "weighed" ? answer.logProbabilities[0] : answer.error)),
      [-1, -2, "even alone, graph decoder on cuda: out of memory", -3, -4],
    );
    assert.deepEqual(sizes, [5, 3, 2, 1, 2]);
  });
});
