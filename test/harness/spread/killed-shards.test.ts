/** Shards that are killed at any moment and begun again. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { drawKeys, randomShare } from "../../../harness/statistics/random.ts";
import { fakeCommand, fakeInProcess, startProcess } from "../../support/command-process.ts";
import { rounds } from "../../support/long-form.ts";
import { answersOf } from "../../support/run-bytes.ts";
import { question } from "../../support/shard-runs.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const kills = rounds({ short: 4, long: 50 });
/** Two of three, and all of four: together they have every window, some twice. */
const shards = ["0/3", "1/3", "0/4", "1/4", "2/4", "3/4"];

describe("shards that are killed", () => {
  it(`are merged to the bytes of a run of one process: ${kills} kills`, async () => {
    const folder = temporaryFolder();
    const moments = drawKeys(2301, 0);
    const whole = await fakeInProcess(folder, "run", ...question, "--no-report", "--output", "whole");
    assert.equal(whole.code, 0, whole.err);
    const left = Array.from({ length: kills }, (_, index) => ({ index, shard: shards[index % shards.length] }));
    for (const shard of shards) {
      const words = ["run", ...question, "--shard", shard, "--output", "sharded"];
      for (const { index: killed } of left.filter((each) => each.shard === shard)) {
        const env = { FAKE_BATCH_MS: "150" };
        const child = startProcess(folder, { command: fakeCommand, words, env });
        const exit = once(child, "exit");
        await Promise.race([exit, setTimeout(300 + 1500 * randomShare(moments, killed))]);
        child.kill("SIGKILL");
        await exit;
      }
      assert.equal((await fakeInProcess(folder, ...words)).code, 0);
    }
    const { code, err } = await fakeInProcess(folder, "merge", "sharded");
    assert.equal(code, 0, err);
    assert.equal(answersOf(join(folder, "sharded")), answersOf(join(folder, "whole")));
  });
});
