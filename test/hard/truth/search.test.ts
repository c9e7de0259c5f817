/** Beam search beside a plain version of it, and beside all sequences there are, on generated models. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { startSearch } from "../../../models/generation/search.ts";
import type { Hypothesis } from "../../../models/generation/search.ts";
import type { DecodingOptions } from "../../../models/model.ts";
import { drawKeys, randomShare } from "../../../harness/statistics/random.ts";
import { rounds } from "../../support/long-form.ts";
import { bestOfAllSequences, plainBeamSearch } from "../../support/plain-search.ts";
import type { NextToken } from "../../support/plain-search.ts";

const numRuns = rounds({ short: 300, long: 100_000 });
const vocabulary = 5;

/** A model by chance: of each sequence of tokens other log-probabilities, drawn by `seed`. */
function modelOf(seed: number): NextToken {
  return (tokens) => {
    const keys = drawKeys(
      seed,
      tokens.reduce((number, token) => number * vocabulary + token + 1, 0),
    );
    const weights = Array.from({ length: vocabulary }, (_, token) => Math.exp(4 * randomShare(keys, token)));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => Math.fround(Math.log(weight / sum)));
  };
}

/** Ours, told of all tokens of each beam. */
function search(next: NextToken, options: DecodingOptions, endTokens: readonly number[]): readonly Hypothesis[] {
  const ours = startSearch(options, { endTokens });
  while (!ours.done) {
    ours.advance(
      ours.beams.map((tokens) =>
        next(tokens)
          .map((logProbability, token) => ({ token, logProbability }))
          .sort((a, b) => b.logProbability - a.logProbability)
          .slice(0, ours.candidatesNeeded),
      ),
    );
  }
  return ours.hypotheses();
}

const drawn = fc.record({
  seed: fc.integer({ min: 0, max: 1e6 }),
  beams: fc.integer({ min: 2, max: 5 }),
  min: fc.integer({ min: 0, max: 3 }),
  more: fc.integer({ min: 1, max: 4 }),
  lengthPenalty: fc.constantFrom(-1, 0, 0.5, 1, 2),
  earlyStopping: fc.constantFrom<(boolean | "never")[]>(true, false, "never"),
  endTokens: fc.uniqueArray(fc.integer({ min: 0, max: vocabulary - 2 }), { maxLength: 2 }),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer Value> ? Value : never;

function optionsOf({ beams, min, more, lengthPenalty, earlyStopping }: Drawn): DecodingOptions {
  return { beams, newTokens: { min, max: min + more }, lengthPenalty, earlyStopping, repetitionPenalty: 1 };
}

describe("beam search", () => {
  it("finds what a plain version finds, with every length penalty, way to stop, and number of end tokens", () => {
    fc.assert(
      fc.property(drawn, (values) => {
        const [next, options] = [modelOf(values.seed), optionsOf(values)];
        const expected = plainBeamSearch(next, options, values.endTokens);
        assert.deepEqual(
          search(next, options, values.endTokens).map(({ tokens, score }) => ({ tokens, score })),
          expected,
        );
      }),
      { numRuns, seed: 17 },
    );
  });

  it("finds the best of all sequences where it has beams enough for all", () => {
    fc.assert(
      fc.property(drawn, (values) => {
        const next = modelOf(values.seed);
        const options = {
          ...optionsOf(values),
          beams: vocabulary ** 3,
          newTokens: { min: Math.min(values.min, 2), max: 3 },
          earlyStopping: false,
        };
        const expected = bestOfAllSequences(next, options, values.endTokens);
        const [found] = search(next, options, values.endTokens);
        assert.deepEqual({ tokens: found!.tokens, score: found!.score }, expected);
      }),
      { numRuns: numRuns / 10, seed: 18 },
    );
  });
});
