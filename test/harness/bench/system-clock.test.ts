/** The generator's own clock and what keeps it on time. Nothing here says how late: that is the machine's. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { systemClock } from "../../../harness/bench/loadgen/clock.ts";
import { goFirst } from "../../../harness/bench/loadgen/priority.ts";
import { Sleeper } from "../../../harness/bench/loadgen/sleeper.ts";

const ordinary = 0; // SCHED_OTHER
const fifo = 1; // SCHED_FIFO

/** The scheduling class of this process's main thread: field 41 of its line, the third is the first behind its name. */
function policy(): number {
  const line = readFileSync("/proc/self/stat", "utf8");
  return Number(line.slice(line.lastIndexOf(")") + 2).split(" ")[41 - 3]);
}

describe("the system's clock", () => {
  for (const processors of [1, 2]) {
    it(`never comes back early, while the sleeper starts, when it is there, and for two at a time (${processors} processors)`, async () => {
      const clock = systemClock({ processors });
      const returns: number[] = [];
      for (let wait = 0; wait < 20; wait += 1) {
        const timeNs = clock.nowNs() + (wait % 5) * 3e6;
        await Promise.all([clock.sleepUntil(timeNs), clock.sleepUntil(timeNs + 1e6)]);
        returns.push(clock.nowNs() - timeNs - 1e6);
      }
      assert.ok(
        returns.every((late) => late >= 0),
        returns.join(),
      );
    });
  }

  it("takes answers while it sleeps", async () => {
    const clock = systemClock();
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await clock.sleepUntil(clock.nowNs() + 500e6);
    clearInterval(timer);
    assert.ok(turns > 1, String(turns));
  });
});

describe("the sleeper", () => {
  it("sleeps until the time, one at a time", async () => {
    const sleeper = new Sleeper();
    await sleeper.ready;
    const timeNs = process.hrtime.bigint() + 20_000_000n;
    const sleep = sleeper.sleepUntil(timeNs);
    assert.equal(sleeper.isFree, false);
    await sleep;
    assert.ok(process.hrtime.bigint() >= timeNs);
    assert.equal(sleeper.isFree, true);
  });
});

describe("the generator's priority", () => {
  it("is raised where the system allows it, and put back", () => {
    const before = getPriority();
    const goBack = goFirst();
    assert.ok(getPriority() <= before);
    goBack();
    assert.equal(getPriority(), before);
  });

  it("is the real-time class where the system allows it, for the time being", function () {
    if (process.platform !== "linux") this.skip(); // the class is Linux's
    const isAllowed = spawnSync("chrt", ["--fifo", "1", "true"]).status === 0;
    const goBack = goFirst({ processors: 2 });
    assert.equal(policy(), isAllowed ? fifo : ordinary);
    goBack();
    assert.equal(policy(), ordinary);
  });

  it("stays as it is where the model has no other processor", () => {
    const before = getPriority();
    const goBack = goFirst({ processors: 1 });
    assert.equal(getPriority(), before);
    if (process.platform === "linux") assert.equal(policy(), ordinary);
    goBack();
  });
});
