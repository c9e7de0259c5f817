/** What both sides of a queue say of workers, machines, addresses and packages. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { addressWarning, loadOptional } from "../../../harness/spread/queue/redis.ts";
import { MachineTally } from "../../../harness/spread/queue/machine-tally.ts";
import { WorkerWatch } from "../../../harness/spread/queue/worker-watch.ts";
import { UsageError } from "../../../harness/catalog/usage-error.ts";
import type { RunPlan } from "../../../reports/records/run-record.ts";
import { fakeInProcess } from "../../support/command-process.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";
import { VirtualClock } from "../../support/virtual-time.ts";

describe("what a queue says", () => {
  it("says once that no worker came for 30 s, and how one is begun", async () => {
    const clock = new VirtualClock();
    const told: [number, string][] = [];
    const nowMs = (): number => clock.nowNs() / 1e6;
    const watch = new WorkerWatch(
      { hgetall: () => Promise.resolve({}), hdel: () => Promise.resolve(0) },
      { identity: "", workerCommand: "begin it", onMessage: (message) => told.push([nowMs(), message]), nowMs },
    );
    const looking = async (): Promise<void> => {
      for (let second = 1; second <= 100; second += 1) {
        await clock.sleepUntil(second * 1e9);
        await watch.look();
      }
    };
    await clock.until(looking());
    const message = "No worker has come for 30 s. Begin one, with the same BLIP2_BENCH_REDIS:\n  begin it";
    assert.deepEqual(told, [[31_000, message]]);
  });

  it("names the packages that are not installed", async () => {
    const missing = "a-package-that-is-not-installed";
    await assert.rejects(
      loadOptional(() => import(missing)),
      (error) => error instanceof UsageError && error.message.endsWith("not installed: npm install bullmq ioredis"),
    );
    const broken = (): Promise<never> => Promise.reject(new TypeError("another fault"));
    await assert.rejects(loadOptional(broken), /another fault/);
  });

  it("warns of an address without password or encryption, beyond this machine", () => {
    assert.equal(
      addressWarning({ url: "redis://redis.example.org" }),
      "BLIP2_BENCH_REDIS: no password and no TLS (rediss://); who reaches that Redis can read and forge answers.",
    );
    assert.match(addressWarning({ url: "redis://:word@10.0.0.1" }) ?? "", /: no TLS \(rediss:\/\/\);/);
    assert.match(addressWarning({ url: "rediss://10.0.0.1" }) ?? "", /: no password;/);
    assert.equal(addressWarning({ url: "rediss://:word@10.0.0.1" }), null);
    assert.equal(addressWarning({ url: "redis://[::1]:6379" }), null);
  });

  it("refuses answers of a machine that rounds otherwise where they depend on it, unless both are to be taken", async () => {
    const folder = temporaryFolder();
    const words = ["--model", "fake", "--tasks", "vqav2", "--limit", "1", "--no-report", "--output", "run"];
    assert.equal((await fakeInProcess(folder, "run", ...words)).code, 0);
    const plan = JSON.parse(readFileSync(join(folder, "run", "run.json"), "utf8")) as RunPlan;
    const startedAt = new Date(0).toISOString();
    const [first, other] = ["aaaa", "bbbb"].map((rounding) => {
      return { name: rounding, processor: { ...plan.processor, rounding }, startedAt };
    });
    const int8 = { ...plan, config: { ...plan.config, precision: "int8" } } as RunPlan;
    for (const [asked, mixedProcessors, isTaken] of [
      [plan, false, true],
      [int8, false, false],
      [int8, true, true],
    ] as const) {
      const told: string[] = [];
      const tally = new MachineTally([], { plan: asked, mixedProcessors, onMessage: (message) => told.push(message) });
      assert.equal(tally.count(first!), null);
      const refusal = tally.count(other!);
      const found = "found rounding bbbb, expected aaaa";
      assert.equal(refusal?.message, isTaken ? undefined : `${found}; --mixed-processors takes both`);
      const note = `Worker bbbb rounds otherwise than the first: ${found}. Last bits depend on which answers.`;
      assert.deepEqual(told, isTaken ? [note] : []);
      assert.equal(tally.machines.length, isTaken ? 2 : 1);
    }
  });
});
