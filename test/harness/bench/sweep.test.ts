/** The parts of a sweep: its points, warm-up, batches, and what the machine tells of itself. */
import assert from "node:assert/strict";
import type { Sample } from "../../../datasets/dataset.ts";
import { fp32Precision, parsePrecision } from "../../../models/checkpoint/precision.ts";
import type { DecodingOptions, GenerationRequest } from "../../../models/model.ts";
import { systemClock } from "../../../harness/bench/loadgen/clock.ts";
import { compareOutputs, rateOf } from "../../../harness/bench/sweep/aggregate.ts";
import { energyJoules, readEnergy } from "../../../harness/bench/sweep/energy.ts";
import {
  describeMachine,
  machineWarnings,
  neighboursShare,
  readProcessorTime,
} from "../../../harness/bench/sweep/machine.ts";
import { ModelUnderTest } from "../../../harness/bench/sweep/model-under-test.ts";
import { planPoints } from "../../../harness/bench/sweep/points.ts";
import { askToGenerate } from "../../../harness/bench/sweep/subject-generation.ts";
import type { AskBatch } from "../../../harness/bench/sweep/subject.ts";
import { isSteady, warmUp } from "../../../harness/bench/sweep/warm-up.ts";
import { vqav2 } from "../../../tasks/vqav2.ts";
import { fakeModel } from "../../support/fakes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";
import { fakeSystem, VirtualClock } from "../../support/virtual-time.ts";

const ms = 1e6;
const decoding: DecodingOptions = vqav2.protocols.paper.decoding.opt;

describe("the points of a sweep", () => {
  it("are all combinations, SingleStream with one sample at a time only, under names that files can have", () => {
    const precisions = [fp32Precision, parsePrecision("language=int4,vision=int8")];
    const scenarios = ["single-stream", "offline"] as const;
    const points = planPoints({ precisions, threads: [1], batchSizes: [1, 8], scenarios }, ["a", "b/c"]);
    assert.equal(points.length, 2 * 2 * 3);
    assert.deepEqual(
      points.slice(0, 3).map(({ name }) => name),
      ["a-fp32-b1-t1-single-stream", "a-fp32-b1-t1-offline", "a-fp32-b8-t1-offline"],
    );
    assert.ok(
      points.every(({ name }) => /^[\w.+-]+$/.test(name)),
      points.at(-1)?.name,
    );
  });
});

describe("the model as the system under test", () => {
  /** Batches as they went to the model, answered when told. */
  function recorded(batchSize: number): {
    sut: ModelUnderTest;
    batches: (readonly GenerationRequest[])[];
    answer: () => void;
  } {
    const batches: (readonly GenerationRequest[])[] = [];
    const waiting: (() => void)[] = [];
    const fake = fakeModel();
    const model = {
      name: "fake",
      generateTimed: async (requests: readonly GenerationRequest[]) => {
        batches.push(requests);
        await new Promise<void>((resolve) => waiting.push(resolve));
        const now = process.hrtime.bigint();
        const stamps = { receivedNs: now, startedNs: now, finishedNs: now, stepsNs: [ms] };
        return { value: await fake.generate(requests, decoding), stamps };
      },
    };
    const image = { id: "1", path: "1.jpg" };
    const samples = Array.from({ length: 8 }, (_, index) => ({ id: String(index), image }));
    const asking = { prompt: ({ id }: Sample) => id, decoding, answer: (text: string) => text, maxPromptTokens: null };
    const ask = askToGenerate(model, { asking, opened: { samples } });
    const sut = new ModelUnderTest({ name: "fake", ask, batchSize, clock: systemClock() });
    return { sut, batches, answer: () => waiting.shift()?.() };
  }

  const query = (...ids: readonly number[]): { id: number; index: number }[] => ids.map((id) => ({ id, index: id }));

  it("asks about each sample's image under a name of its own, so that nothing is kept from one to the next", () => {
    const { sut, batches } = recorded(4);
    sut.issue(query(0, 1, 2, 3, 4, 5, 6, 7));
    const ids = batches.flat().map(({ image }) => image.id);
    assert.equal(new Set(ids).size, 8);
    assert.ok(batches.flat().every(({ image }) => image.path === "1.jpg"));
  });

  it("sends what waits when the model is free, and a full batch ahead; one that is not full waits for company", async () => {
    const { sut, batches, answer } = recorded(4);
    const answered: number[] = [];
    sut.listen({
      answered: (answers) => answered.push(...answers.map(({ id }) => id)),
      gone: (reason) => {
        assert.equal(reason, "");
      },
    });
    sut.issue(query(0));
    sut.issue(query(1));
    sut.issue(query(2));
    assert.deepEqual(
      batches.map((batch) => batch.length),
      [1],
    );
    sut.issue(query(3, 4, 5, 6, 7));
    assert.deepEqual(
      batches.map((batch) => batch.length),
      [1, 4],
    );
    for (let batch = 0; batch < 4; batch += 1) {
      answer();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(
      batches.map((batch) => batch.length),
      [1, 4, 3],
    );
    assert.deepEqual(answered, [0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe("the model under test between two runs", () => {
  it("forgets what waits and is done when the model is, so that the next run finds it idle", async () => {
    const asked: number[] = [];
    const waiting: (() => void)[] = [];
    const ask: AskBatch = async (indices) => {
      asked.push(...indices);
      await new Promise<void>((resolve) => waiting.push(resolve));
      const now = process.hrtime.bigint();
      const answers = indices.map(() => ({ text: "", tokens: 0, stagesMs: {} }));
      return { answers, stamps: { receivedNs: now, startedNs: now, finishedNs: now, stepsNs: [] } };
    };
    const sut = new ModelUnderTest({ name: "fake", ask, batchSize: 2, clock: systemClock() });
    sut.issue([0, 1, 2, 3, 4, 5, 6].map((index) => ({ id: index, index })));
    let isClear = false;
    const cleared = sut.clear().then(() => (isClear = true));
    assert.deepEqual(asked, [0, 1, 2, 3]); // the second batch is read ahead
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isClear, false);
    waiting.shift()?.();
    await cleared;
    sut.issue([{ id: 9, index: 9 }]);
    assert.deepEqual(asked, [0, 1, 2, 3, 9]);
  });
});

describe("the warm-up", () => {
  it("ends when the last five queries took as long as the five before", async () => {
    const clock = new VirtualClock();
    const sut = fakeSystem({ clock, latencyNs: (number) => (number < 10 ? (20 - number) * ms : 10 * ms) });
    const options = { clock, samples: 10, stallNs: 60e9, limits: { queries: 50, ms: 60_000 } };
    const { queries, steady, medianNs, end } = await clock.until(warmUp(sut, 1, options));
    assert.deepEqual([steady, medianNs, end], [true, 10 * ms, null]);
    assert.ok(queries >= 15 && queries <= 20, String(queries));
  });

  it("ends at its limits, and says that it was not steady", async () => {
    const clock = new VirtualClock();
    const sut = fakeSystem({ clock, latencyNs: (number) => 1.2 ** number * ms });
    const options = { clock, samples: 10, stallNs: 60e9, limits: { queries: 20, ms: 60_000 } };
    const { queries, steady } = await clock.until(warmUp(sut, 1, options));
    assert.deepEqual([queries, steady], [20, false]);
    assert.equal(isSteady([3e9, 2e9, 2e9, 2e9]), false);
    assert.equal(isSteady([3e9, 2e9, 2e9, 2e9, 2e9]), true);
  });
});

describe("what runs add up to", () => {
  it("is the median of restarts with the lowest and the highest, and equal answers text by text", () => {
    assert.deepEqual(rateOf([3, null, 1, 2]), { value: 2, low: 1, high: 3 });
    assert.deepEqual(rateOf([3]), { value: 3, low: null, high: null });
    assert.equal(rateOf([null]), null);
    const outputs = (...texts: readonly (string | null)[]): { outputs: [number, string | null][] } => ({
      outputs: texts.map((text, index) => [index, text]),
    });
    const compared = compareOutputs([outputs("a", "b"), outputs("a", "x", "c")], outputs("a", "b"));
    assert.deepEqual(compared, { compared: 4, equal: 3 });
  });
});

describe("what the machine tells of itself", () => {
  const stat = (user: number, idle: number): string => `cpu  ${user} 0 0 ${idle} 0 0 0 0 0 0\ncpu0 1 2 3\n`;
  const own = (ticks: number): string => `7 (a (model) x) S 1 1 1 0 -1 0 0 0 0 0 ${ticks} 0 0 0 20 0 1 0 5\n`;

  it("is the share of other processes, from /proc", async () => {
    const before = await readProcessorTime(
      [7],
      temporaryFolder({ "proc/stat": stat(100, 100), "proc/7/stat": own(50) }),
    );
    const after = await readProcessorTime(
      [7],
      temporaryFolder({ "proc/stat": stat(180, 120), "proc/7/stat": own(110) }),
    );
    assert.equal(neighboursShare(before, after), 0.2); // of 100 ticks 80 were busy, 60 of them ours
    assert.equal(await readProcessorTime([7], temporaryFolder()), null);
    assert.equal(neighboursShare(null, after), null);
  });

  it("is a warning where it was not quiet", async () => {
    const governed = { "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n" };
    const facts = { ...(await describeMachine(temporaryFolder(governed))), load: 3 };
    assert.deepEqual(machineWarnings(facts, 0.123, 4), [
      "a load of 3 on 4 processors before the first point",
      "other processes took 12.3 % of the processors' time while points ran",
      'the processor\'s frequency is governed by "powersave", not "performance"',
    ]);
    assert.deepEqual(machineWarnings({ ...facts, load: 0.1, governor: null }, 0.01, 4), []);
  });

  it("is its meter of energy where it has one, and not measured elsewhere", async () => {
    const zone = (energy: number): Record<string, string> => ({
      "sys/class/powercap/intel-rapl:0/energy_uj": `${energy}\n`,
      "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "1000000000\n",
      "sys/class/powercap/intel-rapl:0:0/energy_uj": "5\n",
    });
    const reading = await readEnergy(temporaryFolder(zone(400_000_000)));
    assert.equal(energyJoules(reading, await readEnergy(temporaryFolder(zone(900_000_000)))), 500);
    assert.equal(energyJoules(reading, await readEnergy(temporaryFolder(zone(100_000_000)))), 700); // began again
    assert.equal(await readEnergy(temporaryFolder()), null);
    assert.equal(energyJoules(null, reading), null);
  });
});
