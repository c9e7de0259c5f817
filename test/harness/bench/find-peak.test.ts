/** The search for the highest rate, on queues whose answer is known: one server of constant service (M/D/1). */
import assert from "node:assert/strict";
import { overAllowed } from "../../../harness/bench/loadgen/early-stopping.ts";
import { runQueries } from "../../../harness/bench/loadgen/issue.ts";
import type { RunLog } from "../../../harness/bench/loadgen/run-log.ts";
import { defaultSettings } from "../../../harness/bench/loadgen/settings.ts";
import type { LoadGenSettings } from "../../../harness/bench/loadgen/settings.ts";
import { judge } from "../../../harness/bench/loadgen/verdict.ts";
import { peakOf } from "../../../harness/bench/sweep/peak.ts";
import { fakeSystem, VirtualClock } from "../../support/virtual-time.ts";

const serviceMs = 10;
const settings: LoadGenSettings = {
  ...defaultSettings("server", 1000),
  minQueryCount: 20_000,
  minDurationMs: 0,
  targetLatencyNs: 50e6,
  targetQps: 13,
};

async function run(trial: LoadGenSettings): Promise<RunLog> {
  const clock = new VirtualClock();
  const sut = fakeSystem({ clock, latencyNs: () => serviceMs * 1e6, isSerial: true });
  return await clock.until(runQueries(sut, { settings: trial, samples: 1000, clock, stallNs: 60e9 }));
}

/**
 * P[ wait <= t ] of M/D/1 (Erlang 1909): (1 - rho) * sum over k <= t / D of (lambda (k D - t))^k / k! * e^(lambda (t - k D)), in
 * milliseconds.
 */
function waitedAtMost(timeMs: number, perMs: number): number {
  let [sum, factorial] = [0, 1];
  for (let k = 0; k * serviceMs <= timeMs; k += 1) {
    if (k > 0) factorial *= k;
    const left = perMs * (timeMs - k * serviceMs);
    sum += ((-left) ** k / factorial) * Math.exp(left);
  }
  return (1 - perMs * serviceMs) * sum;
}

/**
 * The rate at which as many queries are done within the bound as the statistic asks of so many: of 20,000 at most 167 may be
 * late, not 200.
 */
function rateInTheory(boundMs: number): number {
  const within = 1 - overAllowed(0.99, settings.minQueryCount)! / settings.minQueryCount;
  let [low, high] = [0, 1 / serviceMs];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (waitedAtMost(boundMs - serviceMs, middle) >= within) low = middle;
    else high = middle;
  }
  return low * 1000;
}

/** The search ends with a rate that holds and one that does not, at most 5 % apart; chance moves the edge by 2 %. */
function assertFound(found: number | null, theory: number): asserts found is number {
  const isFound = found !== null && found > (0.98 * theory) / 1.05 && found < 1.02 * theory;
  assert.ok(isFound, `found ${String(found)}, in theory ${theory}`);
}

describe("the highest rate that holds", () => {
  it("is what queueing theory says, within the step of the search, and 10 % more does not hold", async () => {
    const theory = rateInTheory(50);
    assert.ok(theory > 50 && theory < 60, String(theory));
    const tried: number[] = [];
    const found = await peakOf(settings, (trial) => {
      tried.push(trial.targetQps);
      return run(trial);
    });
    assertFound(found, theory);
    assert.ok(tried.includes(found));
    const validity = async (targetQps: number): Promise<string> =>
      judge(await run({ ...settings, targetQps }), settings).validity;
    assert.equal(await validity(found), "VALID");
    assert.equal(await validity(1.1 * found), "INVALID");
  });

  it("is looked for downwards as well, and is none where no rate holds", async () => {
    const down = await peakOf({ ...settings, targetQps: 900 }, run);
    assertFound(down, rateInTheory(50));
    assert.equal(await peakOf({ ...settings, minQueryCount: 700, targetLatencyNs: 9e6 }, run), null);
  });
});
