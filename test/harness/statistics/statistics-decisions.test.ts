/** Random numbers by place, what a comparison could have shown, verdicts by a margin, and the simulation of their errors. */
import assert from "node:assert/strict";
import { nonInferiority, turned } from "../../../harness/statistics/non-inferiority.ts";
import { meanDifference } from "../../../harness/statistics/paired-mean.ts";
import { detectableDifference, samplesToDetect } from "../../../harness/statistics/power.ts";
import { drawKeys, randomBits, randomIndex } from "../../../harness/statistics/random.ts";
import { errorRates, simulatedSums, verdictRates } from "../../../harness/scripts/simulate-statistics.ts";

function near(found: number, value: number, tolerance: number): void {
  assert.ok(Math.abs(found - value) <= tolerance, `${found}, not ${value}`);
}

describe("statistics: random numbers by place", () => {
  it("are spread evenly, within a draw and across draws", () => {
    for (const placeOf of [(i: number) => [0, i], (i: number) => [i, 0]]) {
      const counts = new Array<number>(64).fill(0);
      for (let i = 0; i < 64000; i += 1) {
        const [draw = 0, index = 0] = placeOf(i);
        counts[randomIndex(drawKeys(1, draw), index, 64)]! += 1;
      }
      const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
      assert.ok(chiSquare > 30 && chiSquare < 112, `${chiSquare}`); // 0.01 % tails of 63 degrees
    }
  });
  it("have every bit set half of the time, and neighbours that do not go together", () => {
    const keys = drawKeys(2, 3);
    for (let bit = 0; bit < 32; bit += 1) {
      let [set, same] = [0, 0];
      for (let i = 0; i < 20000; i += 1) {
        const here = (randomBits(keys, i) >>> bit) & 1;
        set += here;
        same += here === ((randomBits(keys, i + 1) >>> bit) & 1) ? 1 : 0;
      }
      assert.ok(Math.abs(set - 10000) < 300 && Math.abs(same - 10000) < 300, `bit ${bit}: ${set}, ${same}`);
    }
  });
});

describe("statistics: power and margins", () => {
  it("the detectable difference is 2.802 standard errors; four times the samples halve it", () => {
    near(detectableDifference(1) ?? NaN, 2.80158, 1e-5);
    assert.equal(detectableDifference(0), null);
    assert.equal(samplesToDetect(1.400793, { standardError: 1, samples: 1000 }), 4000);
  });
  const measured = (difference: number): Parameters<typeof nonInferiority>[0] => ({
    difference,
    standardError: 0.01,
    interval: { low: difference - 0.0196, high: difference + 0.0196 },
    bounds: { low: difference - 0.01645, high: difference + 0.01645 },
    samples: 1000,
  });
  it("a margin is held when the bound excludes it, failed beyond doubt, else inconclusive with the samples to decide", () => {
    assert.equal(nonInferiority(measured(0), 0.02).verdict, "pass");
    assert.equal(nonInferiority(measured(-0.05), 0.02).verdict, "fail");
    assert.equal(
      nonInferiority(measured(-0.025), 0.02).verdict,
      "fail",
      "worse beyond doubt, and by more than the margin",
    );
    // (1.645 + 0.842)² × (0.01 / 0.005)² × 1000
    assert.deepEqual(nonInferiority(measured(-0.005), 0.01), { verdict: "inconclusive", samplesNeeded: 24731 });
    assert.equal(nonInferiority(measured(-0.01), 0.01).samplesNeeded, null);
    assert.equal(nonInferiority(turned(measured(0.05)), 0.02).verdict, "fail");
    assert.throws(() => nonInferiority(measured(0), -0.1), /margin: found -0.1, expected 0 or more/);
    assert.throws(() => nonInferiority(measured(0), NaN), RangeError);
  });
});

describe("statistics: the simulation", () => {
  it("has the correlation and the mean it names", () => {
    const sums = simulatedSums({ images: 5000, icc: 0.2, mean: 0.5, isJudged: false }, drawKeys(1, 1));
    const { difference, standardError } = meanDifference(sums);
    assert.ok(Math.abs(difference - 0.5) < 0.05);
    assert.ok((standardError ?? 0) > 1.2 * sums.naiveError, "clusters widen it");
  });
  it("finds the errors near their level, in the few data sets of a test", () => {
    const { naive, signFlip, coverage } = errorRates(
      { images: 200, icc: 0.2, mean: 0, isJudged: false },
      { draws: 400, seed: 8 },
    );
    // ±3 standard errors of 5 % in 400
    assert.ok(signFlip > 0.017 && signFlip < 0.083 && coverage > 0.917 && coverage < 0.983 && naive > 0.1);
    const simulation = { images: 200, icc: 0.1, mean: -0.1, isJudged: false };
    assert.ok(verdictRates(simulation, { margin: 0.1, draws: 400, seed: 9 }).pass < 0.083);
  });
});
