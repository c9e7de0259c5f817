/** harness/statistics against SciPy and statsmodels, and against the plain way of doing the same. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import {
  bcaInterval,
  bootstrapScores,
  leaveOneOut,
  percentileInterval,
} from "../../../harness/statistics/bootstrap.ts";
import { mcNemarTest } from "../../../harness/statistics/mcnemar.ts";
import { hodgesLehmann, percentileBounds, ratioOfMedians } from "../../../harness/statistics/medians.ts";
import { benjaminiHochberg, holm } from "../../../harness/statistics/multiplicity.ts";
import { differenceIntervals, meanDifference, studentInterval } from "../../../harness/statistics/paired-mean.ts";
import type { PairedSums } from "../../../harness/statistics/paired-mean.ts";
import { swapTest } from "../../../harness/statistics/paired-score.ts";
import { drawKeys, randomBits, randomNormal, randomShare } from "../../../harness/statistics/random.ts";
import { flipSigns, signFlipTest } from "../../../harness/statistics/sign-flip.ts";
import { projectRoot } from "../../support/project.ts";

const numbers = z.array(z.number());
const schema = z.object({
  pairs: z.array(
    z.object({
      base: numbers,
      candidate: numbers,
      clusters: z.array(z.string()),
      difference: z.number(),
      standardError: z.number(),
      interval: numbers,
      pValue: z.number().optional(),
    }),
  ),
  mcnemar: z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])),
  multiplicity: z.object({ pValues: numbers, benjaminiHochberg: numbers, holm: numbers }),
  shifts: z.array(
    z.object({
      base: numbers,
      candidate: numbers,
      shift: z.number(),
      low: z.number().nullable(),
      high: z.number().nullable(),
    }),
  ),
  bootstrap: z.object({ values: numbers, bca: numbers, percentile: numbers }),
});
const file = join(projectRoot, "test/fixtures/statistics/tests.json");
const expected = schema.parse(JSON.parse(readFileSync(file, "utf8")));

function near(found: number, value: number, tolerance = 1e-10): void {
  assert.ok(Math.abs(found - value) <= tolerance * Math.max(1, Math.abs(value)), `${found}, not ${value}`);
}

function sumsOf(pair: (typeof expected.pairs)[number]): PairedSums {
  const names = [...new Set(pair.clusters)];
  const sum = (valueOf: (place: number) => number): Float64Array => {
    const sums = new Float64Array(names.length);
    for (const [place, cluster] of pair.clusters.entries()) sums[names.indexOf(cluster)]! += valueOf(place);
    return sums;
  };
  return {
    counts: sum(() => 1),
    base: sum((place) => pair.base[place]!),
    candidate: sum((place) => pair.candidate[place]!),
    differences: sum((place) => pair.candidate[place]! - pair.base[place]!),
  };
}

/** All patterns, added up one by one. */
function bruteForceP(values: readonly number[]): number {
  const sum = (pattern: number): number =>
    values.reduce((total, value, place) => total + (((pattern >> place) & 1) === 1 ? -value : value), 0);
  const observed = Math.abs(sum(0)) - 1e-9;
  let extreme = 0;
  for (let pattern = 0; pattern < 2 ** values.length; pattern += 1)
    if (Math.abs(sum(pattern)) >= observed) extreme += 1;
  return extreme / 2 ** values.length;
}

describe("statistics: paired means", () => {
  it("have statsmodels' clustered standard error and interval", () => {
    for (const pair of expected.pairs) {
      const { difference, standardError, clusters } = meanDifference(sumsOf(pair));
      near(difference, pair.difference);
      near(standardError ?? NaN, pair.standardError);
      const { low, high } = studentInterval(difference, standardError ?? NaN, { clusters, confidence: 0.95 });
      near(low, pair.interval[0]!);
      near(high, pair.interval[1]!);
    }
  });
  it("have, from few clusters, the interval of means that the sign-flip test keeps", () => {
    const sums = sumsOf(expected.pairs[0]!);
    const [interval] = differenceIntervals(sums, [0.95], { draws: 1000, seed: 0 });
    const pAt = (mean: number): number =>
      signFlipTest(
        sums.differences.map((value, cluster) => value - mean * sums.counts[cluster]!),
        { draws: 1, seed: 0 },
      ).pValue;
    for (const end of [interval!.low, interval!.high]) {
      const outward = Math.sign(end - meanDifference(sums).difference) * 1e-6;
      assert.ok(pAt(end - outward) > 0.05 && pAt(end + outward) <= 0.05, `${end}`);
    }
  });
  it("have no finite interval where five clusters can reject nothing, and [0, 0] where nothing differs", () => {
    const sums = { counts: new Float64Array(5).fill(1), base: new Float64Array(5), candidate: new Float64Array(5) };
    const options = { draws: 100, seed: 0 };
    const differences = Float64Array.of(1, 2, 3, -1, 2);
    assert.deepEqual(differenceIntervals({ ...sums, differences }, [0.95], options), [
      { low: -Infinity, high: Infinity },
    ]);
    assert.deepEqual(differenceIntervals({ ...sums, differences: new Float64Array(5) }, [0.95], options), [
      { low: 0, high: 0 },
    ]);
  });
});

describe("statistics: the sign-flip test", () => {
  it("is SciPy's permutation test, exactly", () => {
    const pair = expected.pairs[0]!;
    const { pValue, isExact } = signFlipTest(sumsOf(pair).differences, { draws: 100, seed: 0 });
    assert.ok(isExact);
    near(pValue, pair.pValue ?? NaN);
  });
  it("is what adding up every pattern gives, for up to 12 clusters, ties and zeros included", () => {
    for (let clusters = 1; clusters <= 12; clusters += 1) {
      const keys = drawKeys(11, clusters);
      const values = Array.from({ length: clusters }, (_, place) => Math.floor(randomShare(keys, place) * 7 - 3) / 10);
      near(signFlipTest(Float64Array.from(values), { draws: 100, seed: 0 }).pValue, bruteForceP(values));
    }
  });
  it("is near the exact one where patterns are drawn, the same for the same seed, and never 0", () => {
    const values = Float64Array.from({ length: 45 }, (_, place) => randomNormal(drawKeys(5, 0), place) + 0.3);
    const first = signFlipTest(values, { draws: 20000, seed: 1 });
    assert.equal(first.isExact, false);
    assert.deepEqual(signFlipTest(values, { draws: 20000, seed: 1 }), first);
    const other = signFlipTest(values, { draws: 20000, seed: 2 });
    assert.ok(other.pValue !== first.pValue && Math.abs(other.pValue - first.pValue) < 0.01);
    assert.equal(signFlipTest(new Float64Array(60).fill(1), { draws: 999, seed: 0 }).pValue, 1 / 1000);
  });
  it("adds up by tables what it would one by one", () => {
    const values = Float64Array.from({ length: 77 }, (_, place) => place + 1);
    const { flipped } = flipSigns([values], { draws: 50, seed: 9 });
    for (let draw = 0; draw < 50; draw += 1) {
      let sum = 0;
      for (const [place, value] of values.entries()) {
        const bits = randomBits(drawKeys(9, draw), Math.floor(place / 32));
        if (((bits >>> (place % 32)) & 1) === 1) sum += value;
      }
      assert.equal(flipped[0]![draw], sum);
    }
  });
  it("of a mean as a score of sums is the test of the mean", () => {
    const sums = sumsOf(expected.pairs[1]!);
    const columns = { base: [sums.base, sums.counts], candidate: [sums.candidate, sums.counts] };
    const score = ([total, count]: Float64Array): number => total! / count!;
    const swapped = swapTest({ ...columns, score }, { draws: 5000, seed: 3 });
    near(swapped.pValue, signFlipTest(sums.differences, { draws: 5000, seed: 3 }).pValue, 0.02);
  });
});

describe("statistics: other tests", () => {
  it("McNemar's is statsmodels': exact, mid-p, chi-square; the exact one is quoted below 25", () => {
    for (const [lost, gained, exactP, midP, chiSquareP] of expected.mcnemar) {
      const found = mcNemarTest(lost, gained);
      near(found.exactP, exactP);
      near(found.midP, midP);
      near(found.chiSquareP, chiSquareP);
      assert.equal(found.pValue, lost + gained < 25 ? found.exactP : found.chiSquareP);
    }
    assert.equal(mcNemarTest(0, 0).pValue, 1);
  });
  it("adjusted p-values are statsmodels'", () => {
    const { pValues, ...adjusted } = expected.multiplicity;
    benjaminiHochberg(pValues).forEach((p, place) => {
      near(p, adjusted.benjaminiHochberg[place]!);
    });
    holm(pValues).forEach((p, place) => {
      near(p, adjusted.holm[place]!);
    });
    assert.deepEqual(benjaminiHochberg([]), []);
  });
  it("the shift's interval holds the shifts that SciPy's exact rank-sum test keeps", () => {
    for (const { base, candidate, shift, low, high } of expected.shifts) {
      const found = hodgesLehmann(base, candidate);
      near(found.shift, shift);
      near(found.low === -Infinity ? 1e9 : found.low, low ?? 1e9);
      near(found.high === Infinity ? 1e9 : found.high, high ?? 1e9);
    }
    assert.throws(() => hodgesLehmann([], [1]), /found 0 and 1 values, expected at least one each/);
  });
  it("a ratio of medians is turned by turning the runs, and refuses what is not above 0", () => {
    const [a, b] = [
      [10, 11, 12, 10.5, 11.5],
      [21, 20, 22, 23, 24],
    ];
    const { ratio, low, high } = ratioOfMedians(a, b);
    assert.equal(ratio, 2);
    assert.ok(low < 2 && high > 2 && low > 1.7 && high < 2.3);
    const back = ratioOfMedians(b, a);
    near(back.low, 1 / high);
    near(back.high, 1 / low);
    assert.equal(ratioOfMedians([1], [2]).high, Infinity);
    assert.throws(() => ratioOfMedians([0, 1], [1]), /found 0, expected numbers above 0/);
  });
  it("a percentile's interval is between ranks that the binomial distribution allows", () => {
    const values = Array.from({ length: 100 }, (_, place) => place + 1);
    assert.deepEqual(percentileBounds(values, 0.5), { low: 40, high: 61 }); // the ranks of the tables for n 100
    assert.equal(percentileBounds(values, 0.99).high, Infinity);
  });
});

describe("statistics: the bootstrap", () => {
  it("has SciPy's percentile and BCa intervals, but for what is drawn", () => {
    const { values, bca, percentile } = expected.bootstrap;
    const columns = [Float64Array.from(values), new Float64Array(values.length).fill(1)];
    const score = ([sum, count]: Float64Array): number => sum! / count!;
    const sorted = bootstrapScores(columns, score, { draws: 50000, seed: 4 });
    const value = values.reduce((sum, one) => sum + one, 0) / values.length;
    const ours = bcaInterval(sorted, { value, withoutOne: leaveOneOut(columns, score), confidence: 0.95 });
    const plain = percentileInterval(sorted, 0.95);
    // The standard error of a 2.5 % percentile of 50,000 draws is about 0.003 here.
    near(ours.low, bca[0]!, 0.01);
    near(ours.high, bca[1]!, 0.01);
    near(plain.low, percentile[0]!, 0.01);
    near(plain.high, percentile[1]!, 0.01);
  });
});
