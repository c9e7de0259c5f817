/** The simulation of many machines: against closed forms, and against shards that were run. */
import assert from "node:assert/strict";
import { works } from "../../../harness/scripts/simulate-scale/measured-figures.ts";
import { simulate } from "../../../harness/scripts/simulate-scale/simulate-scale.ts";
import { noDeaths, queueEndS, shardsEndS } from "../../../harness/scripts/simulate-scale/spread-run.ts";
import type { Machine } from "../../../harness/scripts/simulate-scale/spread-run.ts";

const free = { jobS: 0, lockS: 36, atHand: 2 };

function machines(count: number, { loadS = 12, slowness = 1 }: Partial<Machine> = {}): Machine[] {
  return Array.from({ length: count }, () => ({ loadS, slowness }));
}

function windows(count: number, seconds = 3): number[] {
  return Array.from({ length: count }, () => seconds);
}

describe("a simulated run on many machines", () => {
  for (const [count, of] of [
    [1, 1],
    [4, 4],
    [5, 4],
    [9, 4],
    [313, 256],
    [157, 256],
    [7146, 16],
  ] as const) {
    it(`takes what the closed form says: ${count} windows on ${of} machines`, () => {
      assert.equal(queueEndS(windows(count), machines(of), free, noDeaths), 12 + 3 * Math.ceil(count / of));
      const most = of === 1 ? count : 1 + Math.ceil((count - 1) / of); // the control window is asked besides
      assert.equal(shardsEndS(windows(count), machines(of), noDeaths), 12 + 3 * most);
    });
  }

  it("waits for a slow machine's whole shard, but in a queue for the windows at its hand only", () => {
    const fleet = [...machines(15), ...machines(1, { slowness: 2 })];
    assert.equal(shardsEndS(windows(1600), fleet, noDeaths), 12 + 2 * 3 * 101);
    const queueS = queueEndS(windows(1600), fleet, free, noDeaths);
    const leastS = 12 + (3 * 1600) / 15.5;
    assert.ok(queueS >= leastS && queueS <= leastS + 2 * 2 * 3, String(queueS));
  });

  it("is as slow as Redis where that serves fewer windows than the machines answer", () => {
    const slow = { ...free, jobS: 0.5 };
    assert.equal(queueEndS(windows(100), machines(50, { loadS: 0 }), slow, noDeaths), 100 * 0.5 + 3);
  });

  it("asks the windows of a dead worker elsewhere after its lock, and a shard again after its restart", () => {
    // one death of the only machine, 5 s of 12 into its window: the next comes after the end
    const find = (isSo: (firstS: number) => boolean): number => {
      for (let seed = 0; seed < 1000; seed += 1) {
        const deaths = { meanS: 1e4, restartS: 60, seed };
        const endS = shardsEndS([100], machines(1), deaths);
        if (isSo(endS)) return seed;
      }
      return assert.fail("no seed has such a death");
    };
    const seed = find((endS) => endS > 112 && endS < 2 * 112 + 60);
    const deaths = { meanS: 1e4, restartS: 60, seed };
    const deathS = shardsEndS([100], machines(1), deaths) - 60 - 112;
    assert.ok(deathS > 0 && deathS < 112);
    const alone = queueEndS([100], machines(1), free, deaths);
    // with its restart of 72 s the machine is there after the lock of 36 s has ended
    assert.ok(Math.abs(alone - (deathS + 60 + 112)) < 1e-9, `${alone} after a death at ${deathS}`);
    const late = queueEndS([100], machines(1), { ...free, lockS: 500 }, deaths);
    const expected = deathS > 12 ? deathS + 500 + 100 : deathS + 60 + 112; // before its load it holds none
    assert.ok(Math.abs(late - expected) < 1e-9, `${late} after a death at ${deathS}`);
  });

  it("gives equal numbers each time, and deaths make nothing faster", () => {
    const [, vqa] = works;
    const calm = simulate(vqa!, { machines: 16, slowness: 2, isDying: false }, 2);
    assert.deepEqual(simulate(vqa!, { machines: 16, slowness: 2, isDying: false }, 2), calm);
    const dying = simulate(vqa!, { machines: 16, slowness: 2, isDying: true }, 2);
    assert.ok(dying.shardsS >= calm.shardsS && dying.queueS! >= calm.queueS! - 12);
  });

  it("takes as long as two shards took that were run in turn, a tenth aside", () => {
    // shapes-opt-small on vqav2, 8 in a batch, two cores, 2026-12-01: medians of five whole runs, milliseconds by window
    const whole = [
      285.1, 139.4, 112.0, 115.7, 74.9, 94.6, 94.7, 134.8, 140.6, 99.9, 116.0, 99.3, 100.7, 96.0, 87.1, 84.2, 80.1,
      95.8, 102.2, 96.3, 76.1, 52.0, 88.2, 86.8, 83.3, 81.9, 97.9, 73.9, 109.6, 67.0, 75.6, 60.6, 14.5,
    ];
    // medians of five runs of each shard: load, then waiting and computing; the five ranged from 1593 to 1981 ms
    const measured = [
      { loadS: 184, busyS: 1805 },
      { loadS: 209, busyS: 1946 },
    ];
    const fleet = measured.map(({ loadS }) => ({ loadS, slowness: 1 }));
    const foundS = Math.max(...measured.map(({ loadS, busyS }) => loadS + busyS));
    const endS = shardsEndS(whole, fleet, noDeaths);
    assert.ok(Math.abs(endS / foundS - 1) < 0.1, `simulated ${endS}, measured ${foundS}`);
  });
});
