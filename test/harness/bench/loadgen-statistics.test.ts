/** What the load generator computes: random numbers, arrivals, choices of samples, early stopping, percentiles. */
import assert from "node:assert/strict";
import {
  distributionOf,
  histogramOf,
  intervalRanks,
  percentileOf,
  sorted,
} from "../../../harness/bench/loadgen/distribution.ts";
import { formatDuration, parseDurationMs } from "../../../harness/bench/loadgen/duration.ts";
import {
  boundedEarlyStopping,
  estimatedEarlyStopping,
  leastQueries,
  overAllowed,
} from "../../../harness/bench/loadgen/early-stopping.ts";
import { findPeak } from "../../../harness/bench/loadgen/find-peak.ts";
import { MersenneTwister } from "../../../harness/bench/loadgen/mersenne-twister.ts";
import { offlineQuerySize, poissonArrivals, sampleChooser } from "../../../harness/bench/loadgen/schedule.ts";
import { defaultSeeds, defaultSettings, settingsRecord } from "../../../harness/bench/loadgen/settings.ts";

describe("the Mersenne Twister", () => {
  it("gives the numbers of std::mt19937", () => {
    const random = new MersenneTwister(5489n); // C++'s default seed; the standard names its 10,000th number
    assert.equal(random.next(), 3499211612);
    for (let draw = 2; draw < 10_000; draw += 1) random.next();
    assert.equal(random.next(), 4123659995);
  });

  it("takes a 64-bit seed modulo 2 ** 32", () => {
    const { schedule } = defaultSeeds;
    assert.equal(new MersenneTwister(schedule).next(), new MersenneTwister(schedule % 2n ** 32n).next());
  });

  it("permutes, and draws below a number", () => {
    const random = new MersenneTwister(1n);
    const order = random.permutation(50);
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      Array.from({ length: 50 }, (_, index) => index),
    );
    assert.notDeepEqual(order, new MersenneTwister(2n).permutation(50));
    const counts = new Array<number>(7).fill(0);
    for (let draw = 0; draw < 7000; draw += 1) counts[random.below(7)]! += 1;
    assert.ok(
      counts.every((count) => count > 850 && count < 1150),
      counts.join(" "),
    );
  });
});

describe("Poisson arrivals", () => {
  const settings = { ...defaultSettings("server", 100), targetQps: 50, minDurationMs: 100_000, minQueryCount: 1 };
  const arrivals = poissonArrivals(settings);

  it("are exponential between each other by Kolmogorov and Smirnov, and independent of their neighbours", () => {
    const gaps = Array.from(arrivals.subarray(1), (time, index) => time - arrivals[index]!);
    const rising = sorted(gaps.map((gap) => 1 - Math.exp((-gap / 1e9) * 50)));
    let distance = 0;
    for (const [index, share] of rising.entries()) {
      distance = Math.max(distance, share - index / rising.length, (index + 1) / rising.length - share);
    }
    assert.ok(rising.length > 4500 && rising.length < 5500);
    assert.ok(distance < 1.358 / Math.sqrt(rising.length), `D = ${distance}`); // the 5 % bound of a large sample
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const product = gaps.slice(1).reduce((sum, gap, index) => sum + (gap - mean) * (gaps[index]! - mean), 0);
    assert.ok(Math.abs(product / gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0)) < 0.05);
  });

  it("begin at 0, end with the first that is not before the minimum duration, and are the same for the same seed", () => {
    assert.equal(arrivals[0], 0);
    assert.ok(arrivals.at(-1)! >= 100e9 && arrivals.at(-2)! < 100e9);
    assert.deepEqual(poissonArrivals(settings), arrivals);
    assert.notDeepEqual(poissonArrivals({ ...settings, seeds: { schedule: 1n } }), arrivals);
  });

  it("are at least as many as asked for, and no more than a maximum allows", () => {
    assert.equal(poissonArrivals({ ...settings, minDurationMs: 0, minQueryCount: 700 }).length, 700);
    assert.equal(poissonArrivals({ ...settings, maxQueryCount: 30 }).length, 30);
    assert.ok(poissonArrivals({ ...settings, maxDurationMs: 1000 }).at(-1)! <= 1e9);
  });
});

describe("the choice of samples", () => {
  const choose = (sampleChoice: Parameters<typeof sampleChooser>[0]["sampleChoice"], count: number): number[] => {
    const next = sampleChooser({ sampleChoice, scenario: "single-stream", seeds: defaultSeeds }, 20);
    return Array.from({ length: count }, () => next(1)[0]!);
  };

  it("equal issue asks each before any comes again", () => {
    const chosen = choose("equal-issue", 60);
    for (const round of [0, 20, 40]) assert.equal(new Set(chosen.slice(round, round + 20)).size, 20);
    assert.notDeepEqual(chosen.slice(0, 20), chosen.slice(20, 40));
  });

  it("unique is one order, same is one sample, with replacement repeats", () => {
    const unique = choose("unique", 40);
    assert.equal(new Set(unique.slice(0, 20)).size, 20);
    assert.deepEqual(unique.slice(20), unique.slice(0, 20));
    assert.equal(new Set(choose("same", 20)).size, 1);
    assert.ok(new Set(choose("with-replacement", 20)).size < 20);
  });

  it("multi-stream asks neighbours", () => {
    const next = sampleChooser({ sampleChoice: "with-replacement", scenario: "multi-stream", seeds: defaultSeeds }, 20);
    for (let query = 0; query < 10; query += 1) {
      const chosen = next(8);
      assert.ok(chosen.every((index, place) => index === chosen[0]! + place && index < 20));
    }
  });

  it("offline asks for what fills the minimum duration and a tenth more, in whole rounds, and says what a maximum cut", () => {
    const settings = { ...defaultSettings("offline", 991), targetQps: 100, minDurationMs: 10_000 };
    assert.deepEqual(offlineQuerySize(settings, 991), { count: 1982, wanted: 1982 }); // 1100, in rounds of 991
    const replaced = { ...settings, sampleChoice: "with-replacement" } as const;
    assert.deepEqual(offlineQuerySize(replaced, 991), { count: 1100, wanted: 1100 });
    assert.deepEqual(offlineQuerySize({ ...settings, maxDurationMs: 2000 }, 991), { count: 200, wanted: 1982 });
    assert.equal(defaultSettings("offline", 1e6).minQueryCount, 24_576);
  });
});

describe("early stopping", () => {
  it("needs as many queries as LoadGen's tables have it", () => {
    const over = [0, 1, 2, 5, 10, 50, 100];
    const tables: Record<string, number[]> = {
      0.9: [44, 64, 81, 127, 197, 681, 1246],
      0.95: [90, 130, 165, 259, 398, 1372, 2504],
      0.97: [152, 219, 277, 433, 667, 2293, 4182],
      0.99: [459, 662, 838, 1307, 2010, 6898, 12_571],
      0.999: [4603, 6636, 8403, 13_105, 20_140, 69_058, 125_826],
    };
    for (const [percentile, expected] of Object.entries(tables)) {
      assert.deepEqual(
        over.map((count) => leastQueries(Number(percentile), count)),
        expected,
        `percentile ${percentile}`,
      );
    }
  });

  it("allows as many over the latency as LoadGen's tables have it", () => {
    assert.deepEqual(
      [63, 64, 1000, 5000].map((queries) => overAllowed(0.9, queries)),
      [null, 1, 78, 450],
    );
    assert.deepEqual(
      [661, 662, 1000, 5000, 24_576, 270_336].map((queries) => overAllowed(0.99, queries)),
      [null, 1, 2, 33, 209, 2583],
    );
  });

  it("estimates sorted[n - t]", () => {
    const rising = Float64Array.from({ length: 1000 }, (_, index) => index);
    assert.deepEqual(estimatedEarlyStopping(0.9, rising), {
      met: true,
      result: "met: discarded the 77 highest of 1000 latencies",
      estimateNs: 922,
      missing: 0,
    });
    const few = estimatedEarlyStopping(0.9, rising.subarray(0, 60));
    assert.deepEqual([few.met, few.estimateNs, few.missing], [false, null, 4]);
  });

  it("says how many more queries a bound needs", () => {
    assert.equal(boundedEarlyStopping(0.99, 662, 1).met, true);
    const { met, missing, result } = boundedEarlyStopping(0.99, 661, 1);
    assert.deepEqual([met, missing], [false, 1]);
    assert.equal(result, "not met: 1 of 661 queries over the bound, 1 more queries within it needed");
  });
});

describe("a distribution", () => {
  it("takes percentiles as LoadGen does: sorted[floor(n p)], nothing in between", () => {
    const rising = sorted(Array.from({ length: 200 }, (_, index) => 199 - index));
    assert.deepEqual(
      [0.5, 0.9, 0.99, 0.999].map((percentile) => percentileOf(rising, percentile)),
      [100, 180, 198, 199],
    );
    assert.equal(percentileOf(Float64Array.of(7), 0.999), 7);
  });

  it("has intervals of order statistics, by the binomial distribution", () => {
    // Conover, Practical Nonparametric Statistics: for the median of 100, the 40th and the 61st.
    assert.deepEqual(intervalRanks(100, 0.5), { low: 40, high: 61 });
    assert.deepEqual(intervalRanks(5, 0.5), { low: null, high: null });
    assert.deepEqual(intervalRanks(6, 0.5), { low: 1, high: 6 });
    assert.equal(intervalRanks(100, 0.99).high, null);
  });

  it("covers the percentile as often as it says", () => {
    const random = new MersenneTwister(7n);
    let covered = 0;
    for (let trial = 0; trial < 500; trial += 1) {
      const values = Array.from({ length: 400 }, () => random.fraction());
      const { low, high } = distributionOf(values)!.percentiles["90"]!;
      if (low! <= 0.9 && high! >= 0.9) covered += 1;
    }
    assert.ok(covered >= 465 && covered < 500, `${covered} of 500`);
  });

  it("is none without values, and its histogram counts each value once", () => {
    assert.equal(distributionOf([]), null);
    assert.equal(histogramOf([]), null);
    assert.deepEqual(histogramOf([3, 3]), { edges: [3, 3], counts: [2] });
    const { edges, counts } = histogramOf([0, 1, 2, 60])!;
    assert.equal(edges.length, counts.length + 1);
    assert.deepEqual([counts[0], counts[1], counts[2], counts[59]], [1, 1, 1, 1]);
  });
});

describe("the search for the peak", () => {
  const search = { targetQps: 1, tolerance: 0.02, trials: 20 };

  it("finds the highest rate that holds, from below and from above", async () => {
    for (const targetQps of [0.1, 1, 100]) {
      const { queriesPerSecond } = await findPeak((rate) => Promise.resolve(rate <= 7.3), { ...search, targetQps });
      assert.ok(queriesPerSecond! <= 7.3 && queriesPerSecond! > 7.3 / 1.021, String(queriesPerSecond));
    }
  });

  it("is null where nothing holds, and ends when told", async () => {
    assert.equal((await findPeak(() => Promise.resolve(false), search)).queriesPerSecond, null);
    const { trials } = await findPeak(() => Promise.resolve(null), search);
    assert.deepEqual(trials, []);
  });
});

describe("settings and durations", () => {
  it("are written by LoadGen's names", () => {
    const record = settingsRecord(defaultSettings("multi-stream", 991));
    assert.equal(record["scenario"], "MultiStream");
    assert.equal(record["multi_stream_target_latency_percentile"], 0.99);
    assert.equal(record["samples_per_query"], 8);
    assert.equal(record["min_query_count"], 662);
    assert.equal(record["schedule_rng_seed"], "16159082839903944936");
    assert.equal(settingsRecord(defaultSettings("server", 991))["target_latency_ns"], 100e6);
    assert.equal(settingsRecord(defaultSettings("offline", 991))["min_sample_count"], 991);
  });

  it("durations are read and said", () => {
    assert.deepEqual(
      ["100ms", "2.5s", "3", "10min", "4h"].map(parseDurationMs),
      [100, 2500, 3000, 600_000, 14_400_000],
    );
    assert.deepEqual(["", "-1s", "1 day", "s"].map(parseDurationMs), [null, null, null, null]);
    assert.deepEqual([0.5, 80, 999, 2500, 90_000, 662_000, 15_890_000].map(formatDuration), [
      "0.5 ms",
      "80 ms",
      "999 ms",
      "2.5 s",
      "90 s",
      "11 min 2 s",
      "4 h 24 min",
    ]);
  });
});
