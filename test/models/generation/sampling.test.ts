/** Sampling by hand: a vocabulary of five words whose probabilities can be checked on paper; then the command. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { distribution, draw, SampleSearch, seededNumbers } from "../../../models/generation/sampling.ts";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const half = [0.5, 0.25, 0.125, 0.0625, 0.0625];
const words = half.map((probability, token) => ({ token, logProbability: Math.log(probability) }));
const all = { temperature: 1, topK: null, topP: 1 };

function shares(choice: Parameters<typeof distribution>[1]): readonly number[] {
  return distribution(words, choice).map(({ probability }) => Number(probability.toFixed(6)));
}

describe("sampling", () => {
  it("leaves the model's probabilities as they are unless told otherwise", () => {
    assert.deepEqual(shares(all), half);
  });

  it("squares them at temperature 0.5", () => {
    const sum = half.reduce((total, share) => total + share ** 2, 0);
    assert.deepEqual(
      shares({ ...all, temperature: 0.5 }),
      half.map((share) => Number((share ** 2 / sum).toFixed(6))),
    );
  });

  it("keeps the k likeliest, and of those the fewest that reach p together", () => {
    assert.deepEqual(shares({ ...all, topK: 2 }), [0.666667, 0.333333]);
    assert.deepEqual(shares({ ...all, topP: 0.5 }), [1]);
    assert.deepEqual(shares({ ...all, topP: 0.51 }), [0.666667, 0.333333]);
    assert.deepEqual(shares({ ...all, topP: 0.01 }), [1]);
    assert.deepEqual(shares({ ...all, topP: 0.66, topK: 2 }), [1]); // 0.75 of the whole, but 2 in 3 of what top-k left
    assert.deepEqual(shares({ temperature: 0.5, topK: null, topP: 0.7 }), [1]); // the temperature comes first
  });

  it("draws each token as often as it should be", () => {
    const next = seededNumbers(7);
    const counts = half.map(() => 0);
    for (let round = 0; round < 20_000; round += 1) counts[draw(distribution(words, all), next())]! += 1;
    for (const [token, share] of half.entries()) {
      const deviation = Math.sqrt(20_000 * share * (1 - share));
      assert.ok(Math.abs(counts[token]! - 20_000 * share) < 4 * deviation, `token ${token}: ${counts[token]}`);
    }
    assert.equal(draw(distribution(words, all), 0), 0);
    assert.equal(draw(distribution(words, all), 1 - 2 ** -32), 4);
  });

  it("ends with an end token, which it cannot draw too early", () => {
    const options = { beams: 1, lengthPenalty: 1, repetitionPenalty: 1, earlyStopping: false } as const;
    const search = new SampleSearch(
      { ...options, newTokens: { min: 2, max: 9 } },
      { ...all, topK: 1, seed: 1 },
      { endTokens: [0] },
    );
    assert.equal(search.candidatesNeeded, 2);
    const tokens = [0, 1, 2].flatMap(() => (search.done ? [] : search.advance([words]).map(({ token }) => token)));
    assert.deepEqual(tokens, [1, 1, 0]);
    assert.ok(search.done);
    assert.deepEqual(search.hypotheses(), [{ tokens, score: null }]);
  });
});

describe("blip2-bench caption that draws", () => {
  const folder = join(projectRoot, "datasets", "bundled", "val2014");
  const images = ["COCO_val2014_000000000108.jpg", "COCO_val2014_000000000150.jpg", "COCO_val2014_000000000165.jpg"];
  const drawn = async (files: readonly string[], ...flags: string[]): Promise<readonly string[]> => {
    const named = files.map((file) => join(folder, file));
    const { code, out, err } = await inProcess(temporaryFolder(), "caption", ...named, "-q", "--json", ...flags);
    assert.equal(code, 0, err);
    return (JSON.parse(out) as { caption: string }[]).map(({ caption }) => caption);
  };

  it("repeats itself with the same seed, alone and in company, and not with another", async () => {
    const together = await drawn(images, "--nucleus", "--seed", "3");
    assert.deepEqual(await drawn([images[1]!], "--top-p", "0.9", "--seed", "3"), [together[1]]);
    assert.notDeepEqual(await drawn(images, "--nucleus", "--seed", "4"), together);
  });

  it("draws what greedy search chooses where one token is left, with a repetition penalty, too", async () => {
    for (const penalty of ["1", "1.3"]) {
      const greedy = await drawn(images, "--beams", "1", "--repetition-penalty", penalty);
      assert.deepEqual(await drawn(images, "--top-p", "1e-9", "--repetition-penalty", penalty), greedy);
    }
  });

  const image = join(folder, images[0]!);
  const cases: readonly [flags: readonly string[], message: string][] = [
    [["--temperature", "0"], '--temperature: found "0", expected a number above 0.'],
    [["--top-p", "1.1"], '--top-p: found "1.1", expected a number above 0, at most 1.'],
    [["--top-k", "0"], '--top-k: found "0", expected a whole number from 1.'],
    [["--seed", "4294967296"], '--seed: found "4294967296", expected a whole number from 0 to 4294967295.'],
    [["--nucleus", "--beams", "5"], "--beams: found 5 with text that is drawn, expected 1. Leave one of the two out."],
  ];
  for (const [flags, message] of cases) {
    it(`refuses ${flags.join(" ")}`, async () => {
      assertFails(await inProcess(temporaryFolder(), "caption", image, "-q", ...flags), 2, message);
    });
  }
});
