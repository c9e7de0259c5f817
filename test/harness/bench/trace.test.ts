/** A run as a trace: valid JSON whatever ended the run, and spans where they were. */
import assert from "node:assert/strict";
import { runQueries } from "../../../harness/bench/loadgen/issue.ts";
import { defaultSettings } from "../../../harness/bench/loadgen/settings.ts";
import type { LoadGenSettings } from "../../../harness/bench/loadgen/settings.ts";
import { traceText } from "../../../harness/bench/loadgen/trace.ts";
import { fakeSystem, VirtualClock } from "../../support/virtual-time.ts";
import type { FakeSystemOptions } from "../../support/virtual-time.ts";

interface Event {
  readonly name: string;
  readonly cat: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur?: number;
  readonly id?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

const ms = 1e6;

async function traced(
  scenario: LoadGenSettings["scenario"],
  system: Omit<FakeSystemOptions, "clock">,
  changed: Partial<LoadGenSettings>,
): Promise<readonly Event[]> {
  const clock = new VirtualClock();
  const settings = { ...defaultSettings(scenario, 10), minDurationMs: 0, ...changed };
  const run = runQueries(fakeSystem({ clock, ...system }), { settings, samples: 10, clock, stallNs: 1e9 });
  const log = await clock.until(run);
  const trace = JSON.parse(traceText({ log, sut: 'a "fake"' })) as { traceEvents: Event[] };
  return trace.traceEvents;
}

describe("a trace", () => {
  it("has a span for each query and sample, with its time in the queue, and one for each batch with its stages", async () => {
    const system = { latencyNs: () => 10 * ms, isSerial: true };
    const events = await traced("server", system, { targetQps: 100, minQueryCount: 50 });
    const of = (name: string, ph: string): readonly Event[] =>
      events.filter((event) => event.name === name && event.ph === ph);
    for (const name of ["query", "sample", "queue"]) {
      const [begins, ends] = [of(name, "b"), of(name, "e")];
      assert.deepEqual([begins.length, ends.length], [50, 50], name);
      for (const [index, { ts, id }] of begins.entries()) assert.ok(ends[index]!.ts >= ts && ends[index]!.id === id);
    }
    const waited = of("queue", "e").map(({ ts }, index) => ts - of("queue", "b")[index]!.ts);
    assert.ok(waited.some((us) => us > 0) && waited[0] === 0);
    const [batches, stages] = [of("batch", "X"), of("vision", "X")];
    assert.deepEqual([batches.length, stages.length, of("token", "i").length], [50, 50, 100]);
    for (const [index, { ts, dur }] of batches.entries()) {
      assert.ok(Math.abs(dur! - 10_000) < 1e-6, String(dur));
      assert.ok(Math.abs(stages[index]!.ts - ts) < 1e-6 && Math.abs(stages[index]!.dur! - dur!) < 1e-6);
      if (index > 0) assert.ok(ts - batches[index - 1]!.ts >= 10_000 - 1e-6, "one after the other");
    }
    const [process] = events.filter(({ name, args }) => name === "process_name" && args?.["name"] !== "load generator");
    assert.equal(process?.args?.["name"], 'model: a "fake"');
  });

  it("leaves spans open that nothing ended, where the model stalled", async () => {
    const events = await traced("single-stream", { latencyNs: (query) => (query < 3 ? ms : null) }, {});
    const count = (ph: string): number => events.filter((event) => event.name === "query" && event.ph === ph).length;
    assert.deepEqual([count("b"), count("e")], [4, 3]);
  });

  it("adds up the stages of the samples of a batch", async () => {
    const events = await traced("multi-stream", { latencyNs: () => 16 * ms }, { minQueryCount: 2 });
    const batches = events.filter(({ name }) => name === "batch");
    assert.deepEqual(
      batches.map(({ args }) => args?.["samples"]),
      [8, 8],
    );
  });
});
