/** --batch-size auto: what is measured, chosen and recorded. The clock and the memory are the fake model's. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { evaluate } from "../../../harness/evaluation/evaluate.ts";
import { prepare } from "../../../harness/evaluation/prepare.ts";
import { readRunConfig } from "../../support/run-config.ts";
import type { RunFlags } from "../../support/run-config.ts";
import { assertFails, fakeInProcess, inProcess } from "../../support/command-process.ts";
import { fakeCatalog, fakeModel } from "../../support/fakes.ts";
import type { FakeOptions } from "../../support/fakes.ts";
import { bytesOf } from "../../support/run-bytes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

interface Costs {
  readonly ms: (requests: number) => number;
  readonly bytes?: (requests: number) => number;
}

/** Forty samples of the bundled questions, of a model that takes this long and this much memory for a batch. */
async function run(
  { ms, bytes = () => 0 }: Costs,
  flags: RunFlags = {},
): Promise<{ readonly size: number; readonly notes: readonly string[]; readonly sizes: readonly number[] }> {
  let [nowMs, resident] = [0, 1e9];
  const asked = new Set<number>();
  const notes: string[] = [];
  const catalog = fakeCatalog(() => {
    const onBatch: FakeOptions["onBatch"] = ({ length }, batching) => {
      const size = batching?.size ?? length;
      asked.add(size);
      for (let left = length; left > 0; left -= size) nowMs += ms(Math.min(left, size));
      resident = Math.max(resident, 1e9 + bytes(Math.min(length, size)));
    };
    return Promise.resolve(fakeModel({ onBatch }));
  });
  const defaults = { models: ["fake"], tasks: ["vqav2"], output: join(folder, "a"), threads: 1, cache: folder };
  const config = readRunConfig({ limit: "40", batchSize: "auto", ...flags }, defaults);
  const [prepared] = await prepare(config, catalog, { hubCache: folder });
  assert.ok(prepared);
  try {
    const sizes: number[] = [];
    const onNote = (text: string): void => {
      notes.push(text);
      sizes.push(...asked); // those that were tried; the run itself comes after
    };
    const watcher = { isStopped: () => false, onProgress: () => undefined, onNote };
    const gauge = { now: () => nowMs, residentBytes: () => resident };
    assert.equal((await evaluate(prepared, watcher, gauge)).status, "complete");
    return { size: prepared.folder.record.config.batchSize ?? 0, notes, sizes };
  } finally {
    await prepared.folder.close();
  }
}

describe("a batch size that is measured", () => {
  it("grows while that makes the model faster", async () => {
    const { size, notes } = await run({ ms: (requests) => 800 + 100 * requests });
    assert.equal(size, 32);
    assert.deepEqual(notes, [
      "fake vqav2: samples a second by batch size: 1: 1.11, 2: 2.00, 4: 3.33, 8: 5.00, 16: 6.25, 32: 7.14; " +
        "--batch-size 32: there are 40 samples",
    ]);
  });

  it("stays where it gains less than a twentieth", async () => {
    const { size, notes, sizes } = await run({ ms: (requests) => 100 * requests + (requests < 4 ? 100 : 300) });
    assert.equal(size, 2);
    assert.deepEqual(sizes, [1, 2, 4]);
    assert.match(notes[0]!, /1: 5\.00, 2: 6\.67, 4: 5\.71; --batch-size 2: a larger one gains nothing$/);
  });

  it("stays within the memory budget", async () => {
    const costs = { ms: (requests: number) => 800 + 100 * requests, bytes: (requests: number) => 10e6 * requests };
    const { size, notes } = await run(costs, { memoryBudget: "100MB" });
    assert.equal(size, 8);
    assert.match(notes[0]!, /--batch-size 8: twice as many may take 160 MB, the budget is 100 MB$/);
  });

  it("falls back where a batch takes more than was foreseen", async () => {
    const bytes = (requests: number): number => (requests < 4 ? 1e6 : 0.2e9);
    const { size, notes } = await run({ ms: (requests) => 800 + 100 * requests, bytes }, { memoryBudget: "0.1GB" });
    assert.equal(size, 2);
    assert.match(notes[0]!, /--batch-size 2: with 4, answering takes 200 MB, the budget is 100 MB$/);
  });

  it("is refused where not even one sample fits", async () => {
    await assert.rejects(run({ ms: () => 1000, bytes: () => 30e6 }, { memoryBudget: "20 MB" }), {
      name: "UsageError",
      message:
        "--memory-budget: a batch of one sample takes 30 MB, the budget is 20 MB. Give more, or another --precision.",
    });
  });

  it("is recorded, taken from there by a run that goes on, and gives the bytes of a run with that size", async () => {
    const words = ["run", "--model", "fake", "--limit", "20"];
    const first = await fakeInProcess(folder, ...words, "--batch-size", "auto", "--output", "a");
    assert.equal(first.code, 0, first.err);
    const [, size = ""] = /; --batch-size (\d+): /.exec(first.err) ?? [];
    assert.match(readFileSync(join(folder, "a", "run.json"), "utf8"), new RegExp(`"batchSize": ${size},`));
    const again = await fakeInProcess(folder, ...words, "--batch-size", "auto", "--output", "a");
    assert.equal(again.code, 0, again.err);
    assert.doesNotMatch(again.err, /by batch size/);
    assert.equal((await fakeInProcess(folder, ...words, "--batch-size", size, "--output", "b")).code, 0);
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "b")));
  });

  it("is measured with several workers, by a bundled checkpoint", async () => {
    const words = ["run", "--model", "shapes-opt-small", "--tasks", "vqav2", "--limit", "8", "--workers", "2"];
    const { code, err } = await inProcess(folder, ...words, "--batch-size", "auto", "--output", "a");
    assert.equal(code, 0, err);
    assert.match(err, /shapes-opt-small vqav2: samples a second by batch size: 1: .*; --batch-size \d: /);
  });

  it("and its memory budget are checked before anything is loaded", async () => {
    const refused = async (message: string, ...words: string[]): Promise<void> => {
      assertFails(await inProcess(folder, "run", ...words), 2, message);
    };
    await refused('--batch-size: found "autoo", expected a whole number from 1, or auto.', "--batch-size", "autoo");
    await refused('--batch-size: found "0", expected a whole number from 1, or auto.', "--batch-size", "0");
    await refused(
      '--memory-budget: found "much", expected an amount above 0 such as 500MB or 4GB.',
      ...["--batch-size", "auto", "--memory-budget", "much"],
    );
    await refused(
      "--memory-budget: is for --batch-size auto, which was not given.",
      ...["--memory-budget", "4GB", "--batch-size", "8"],
    );
  });
});
