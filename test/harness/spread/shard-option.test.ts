/** --shard: what is taken of it, and of the variables that schedulers set. */
import assert from "node:assert/strict";
import { schedulerTask, shard, shardIndex } from "../../../harness/cli/options/shard.ts";
import { fakeIn, question } from "../../support/shard-runs.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

describe("--shard", () => {
  it("takes i/n with i from 0, and auto/n", () => {
    assert.deepEqual(shard.read(["0/4"], "--shard"), { index: 0, of: 4 });
    assert.deepEqual(shard.read(["auto/16"], "--shard"), { index: "auto", of: 16 });
    for (const typed of ["4/4", "1", "-1/4", "auto", "auto/0", "1/4/2", ""]) {
      assert.throws(() => shard.read([typed], "--shard"), {
        name: "UsageError",
        message: /^--shard.*expected i\/n with i from 0 to n - 1, such as 0\/4 to 3\/4, or auto\/4/,
      });
    }
  });

  it("takes i of Slurm, Kubernetes and GitLab, which counts from 1; n is what was typed", () => {
    const auto = { index: "auto", of: 4 } as const;
    assert.equal(shardIndex(auto, { SLURM_ARRAY_TASK_ID: "2", SLURM_ARRAY_TASK_COUNT: "1" }), 2);
    assert.equal(shardIndex(auto, { JOB_COMPLETION_INDEX: "0" }), 0);
    assert.equal(shardIndex(auto, { CI_NODE_INDEX: "4", CI_NODE_TOTAL: "4" }), 3);
    assert.equal(shardIndex({ index: 1, of: 4 }, { SLURM_ARRAY_TASK_ID: "2" }), 1);
  });

  it("says what it found where a scheduler gives none, two or one that is too high", () => {
    const refused = (env: Record<string, string>, message: string): void => {
      assert.throws(() => shardIndex({ index: "auto", of: 4 }, env), { name: "UsageError", message });
    };
    refused(
      {},
      "--shard auto/4: found none of SLURM_ARRAY_TASK_ID (Slurm), JOB_COMPLETION_INDEX (Kubernetes), CI_NODE_INDEX (GitLab). " +
        "Give the number of the shard: --shard 0/4.",
    );
    refused(
      { SLURM_ARRAY_TASK_ID: "1", CI_NODE_INDEX: "1" },
      "--shard auto/4: found SLURM_ARRAY_TASK_ID (Slurm) and CI_NODE_INDEX (GitLab), expected one of them. " +
        "Give the number: --shard 0/4.",
    );
    refused(
      { SLURM_ARRAY_TASK_ID: "4" },
      "--shard auto/4: found SLURM_ARRAY_TASK_ID=4, expected 0 to 3. Submit the array with sbatch --array=0-3.",
    );
    refused(
      { CI_NODE_INDEX: "5" },
      '--shard auto/4: found CI_NODE_INDEX=5, expected 1 to 4. Give the job "parallel: 4".',
    );
    refused(
      { JOB_COMPLETION_INDEX: "x" },
      '--shard auto/4: found JOB_COMPLETION_INDEX=x, expected 0 to 3. Give the Job "completions: 4".',
    );
  });

  it("goes with neither of what would make its shards another's", async () => {
    const folder = temporaryFolder();
    const refused = async (expected: string, ...words: string[]): Promise<void> => {
      const { code, err } = await fakeIn(folder, "run", ...question, "--shard", "0/2", ...words);
      assert.equal(err, `error: ${expected}\n`);
      assert.equal(code, 2);
    };
    await refused("--shard: needs --output, the folder that all shards share.");
    const auto = ["--output", "a", "--batch-size", "auto"];
    await refused("--shard: --batch-size auto may find another size on each machine. Give a number.", ...auto);
    const steps = ["--output", "a", "--first-steps", "4"];
    await refused("--shard: keeps no first steps. Leave out --first-steps.", ...steps);
  });
});

describe("the task of a scheduler", () => {
  it("is known by its job and number, and by how often it was started again", () => {
    assert.equal(schedulerTask({}), null);
    assert.deepEqual(schedulerTask({ SLURM_ARRAY_JOB_ID: "17", SLURM_JOB_ID: "18", SLURM_ARRAY_TASK_ID: "3" }), {
      id: "slurm:17_3",
      restarts: 0,
    });
    assert.deepEqual(schedulerTask({ SLURM_JOB_ID: "18", SLURM_RESTART_COUNT: "2" }), {
      id: "slurm:18_0",
      restarts: 2,
    });
    assert.deepEqual(schedulerTask({ BLIP2_BENCH_JOB_UID: "a-b", JOB_COMPLETION_INDEX: "7" }), {
      id: "kubernetes:a-b/7",
      restarts: null,
    });
  });
});
