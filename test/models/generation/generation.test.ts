/**
 * Searches by hand: five words, probabilities small enough to check on paper. The token 0 ends a text; the model here is a
 * table from the last token to the probabilities of the next.
 */
import assert from "node:assert/strict";
import { highest, logSoftmax } from "../../../models/generation/candidates.ts";
import { startSearch } from "../../../models/generation/search.ts";
import type { Candidate, Continuation, Hypothesis } from "../../../models/generation/search.ts";
import type { DecodingOptions } from "../../../models/model.ts";

const END = 0;
/** Next-token probabilities by last token; -1 is the prompt. Tokens: 0 end, 1 red, 2 blue, 3 a, 4 star. */
const table: Readonly<Record<number, readonly number[]>> = {
  [-1]: [0.05, 0.4, 0.3, 0.2, 0.05],
  1: [0.3, 0.05, 0.05, 0.05, 0.55],
  2: [0.9, 0.025, 0.025, 0.025, 0.025],
  3: [0.1, 0.4, 0.3, 0.1, 0.1],
  4: [0.5, 0.1, 0.1, 0.2, 0.1],
};

const plain: DecodingOptions = {
  beams: 2,
  newTokens: { min: 0, max: 4 },
  lengthPenalty: 1,
  repetitionPenalty: 1,
  earlyStopping: false,
};

function search(options: Partial<DecodingOptions>): { hypotheses: readonly Hypothesis[]; rounds: number } {
  const found = startSearch({ ...plain, ...options }, { endTokens: [END] });
  let rounds = 0;
  while (!found.done) {
    found.advance(found.beams.map((tokens) => candidates(tokens.at(-1) ?? -1, found.candidatesNeeded)));
    rounds += 1;
  }
  return { hypotheses: found.hypotheses(), rounds };
}

function candidates(last: number, count: number): Candidate[] {
  return highest(Float32Array.from(table[last]!, Math.log), count);
}

function near(actual: number | null | undefined, expected: number): void {
  assert.ok(typeof actual === "number" && Math.abs(actual - expected) < 1e-6, `${String(actual)} is not ${expected}`);
}

describe("greedy search", () => {
  it("takes the most likely token until the end token", () => {
    assert.deepEqual(search({ beams: 1 }).hypotheses, [{ tokens: [1, 4, END], score: null }]);
  });

  it("stops at the longest length", () => {
    assert.deepEqual(search({ beams: 1, newTokens: { min: 0, max: 1 } }).hypotheses, [{ tokens: [1], score: null }]);
  });

  it("does not end before the least number of new tokens", () => {
    const [best] = search({ beams: 1, newTokens: { min: 3, max: 4 } }).hypotheses;
    assert.deepEqual(best?.tokens, [1, 4, 3, 1]);
  });
});

describe("beam search", () => {
  it("finds a likelier text than greedy search", () => {
    // greedy: red star end, .4 · .55 · .5 = .11; blue end, .3 · .9 = .27
    const [best] = search({ lengthPenalty: 0 }).hypotheses;
    assert.deepEqual(best?.tokens, [2, END]);
    near(best.score, Math.log(0.27));
  });

  it("divides a finished score by its length, the end token counted, to the power of the length penalty", () => {
    const [best, second] = search({ lengthPenalty: 2 }).hypotheses;
    assert.deepEqual(best?.tokens, [1, 4, END]);
    near(best.score, Math.log(0.11) / 9);
    near(second?.score, Math.log(0.27) / 4);
  });

  it("favours short texts with a negative length penalty", () => {
    const [best] = search({ lengthPenalty: -1 }).hypotheses;
    assert.deepEqual(best?.tokens, [2, END]);
    near(best.score, Math.log(0.27) * 2);
  });

  it("finishes a text only from among the best `beams` candidates", () => {
    // First round: red .4, blue .3, a .2, then end .05: fourth of the four looked at, so it does not count.
    const { hypotheses } = search({ lengthPenalty: -1, newTokens: { min: 0, max: 2 } });
    assert.ok(hypotheses.every(({ tokens }) => tokens.length === 2));
  });

  // In three rounds "blue end" (.27) and "red star end" (.11) are finished, and the best open beam is "red star a" (.044).

  it("stops when no open beam can win", () => {
    assert.equal(search({ lengthPenalty: 0 }).rounds, 3); // .044 is below .11
    assert.equal(search({ lengthPenalty: 3 }).rounds, 4); // ln .044 / 27 = -.116 is above ln .27 / 8 = -.164
  });

  it("stops with the last finished beam under early stopping", () => {
    assert.equal(search({ lengthPenalty: 3, earlyStopping: true }).rounds, 3);
  });

  it('hopes for the longest length under early stopping "never" and a positive length penalty', () => {
    assert.equal(search({ lengthPenalty: 2 }).rounds, 3); // ln .044 / 9 = -.347 is below ln .27 / 4 = -.327
    assert.equal(search({ lengthPenalty: 2, earlyStopping: "never" }).rounds, 4); // ln .044 / 16 = -.195 is above
    assert.equal(search({ lengthPenalty: 0, earlyStopping: "never" }).rounds, 3);
  });

  it("counts every open beam as finished at the longest length", () => {
    const { hypotheses } = search({ newTokens: { min: 0, max: 1 } });
    assert.deepEqual(
      hypotheses.map(({ tokens }) => tokens),
      [[1], [2]],
    );
  });
});

describe("beam search with many beams", () => {
  /** Of few values, so that many are equal, in falling order as a ranking has them. */
  function someCandidates(random: () => number, count: number): Candidate[] {
    const values = Array.from({ length: count }, () => -Math.floor(random() * 8) / 4);
    return values.sort((a, b) => b - a).map((logProbability, place) => ({ token: (place * 7) % 50, logProbability }));
  }

  type Ranked = Continuation & { readonly score: number };

  /** Every continuation sorted by score, stably: those of the better beam first. */
  function plainly(scores: readonly number[], given: readonly Candidate[][], beams: number): readonly Ranked[] {
    const all = given.flatMap((ofBeam, parent) =>
      ofBeam.map(({ token, logProbability }) => ({
        parent,
        token,
        score: Math.fround(scores[parent]! + logProbability),
      })),
    );
    const ranked = all.sort((a, b) => b.score - a.score).slice(0, 2 * beams);
    return ranked.filter(({ token }) => token !== END).slice(0, beams);
  }

  it("goes on with what sorting all continuations gives, equal scores in the same order", () => {
    let state = 1;
    const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
    for (const beams of [2, 3, 40]) {
      const found = startSearch({ ...plain, beams, newTokens: { min: 0, max: 9 } }, { endTokens: [END] });
      let scores: readonly number[] = [0];
      for (let round = 0; round < 6 && !found.done; round += 1) {
        const given = found.beams.map(() => someCandidates(random, found.candidatesNeeded));
        const expected = plainly(scores, given, beams);
        const continuations = found.advance(given);
        assert.deepEqual(
          continuations,
          expected.map(({ parent, token }) => ({ parent, token })),
        );
        scores = expected.map(({ score }) => score);
      }
    }
  });
});

describe("ranking a vocabulary", () => {
  it("is what sorting gives, however many are wanted", () => {
    const scores = Float32Array.from({ length: 300 }, (_, token) => ((token * 37) % 64) / 8);
    const sorted = Array.from(scores, (logProbability, token) => ({ token, logProbability })).sort(
      (a, b) => b.logProbability - a.logProbability || a.token - b.token,
    );
    for (const count of [1, 2, 17, 150, 299, 300, 400])
      assert.deepEqual(highest(scores, count), sorted.slice(0, count));
  });

  it("orders by score, and of equal scores the lower token first", () => {
    const ranked = highest(Float32Array.from([1, 3, 3, 2, 0]), 3);
    assert.deepEqual(
      ranked.map(({ token }) => token),
      [1, 2, 3],
    );
  });

  it("normalises logits to log-probabilities without overflow", () => {
    const scores = logSoftmax(Float32Array.from([1000, 1000, -1000]));
    near(scores[0], Math.log(0.5));
    assert.equal(Math.exp(scores[2]!), 0);
  });
});
