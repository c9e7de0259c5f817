/** The scripts of examples/slurm under a Slurm of one node, with the fake model. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fakeCommand, fakeInProcess } from "../../support/command-process.ts";
import { projectRoot } from "../../support/project.ts";
import { answersOf } from "../../support/run-bytes.ts";
import { question } from "../../support/shard-runs.ts";
import { startSlurm, whyNoSlurm } from "../../support/slurm.ts";
import type { Slurm } from "../../support/slurm.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const script = (name: string): string => join(projectRoot, "examples", "slurm", name);

describe("shards under Slurm", function () {
  const reason = whyNoSlurm();
  let slurm: Slurm | null = null;

  afterEach(async () => {
    await slurm?.stop();
  });

  it(`are merged to the bytes of one run, one task cancelled and submitted again${reason === null ? "" : ` (${reason})`}`, async function () {
    if (reason !== null) return this.skip();
    const folder = temporaryFolder();
    const place = join(folder, "slurm");
    mkdirSync(place);
    slurm = await startSlurm(place);
    const whole = await fakeInProcess(folder, "run", ...question, "--no-report", "--output", "whole");
    assert.equal(whole.code, 0, whole.err);
    installFakeCommand(folder);

    const env = { MODEL: "fake", TASKS: "vqav2", OUTPUT: "sharded", SHARDS: "4" };
    const small = ["--parsable", "--cpus-per-task=1", "--mem=100M", "--output=log-%a.txt"];
    const flags = question.slice(4);
    const submit = (...words: string[]): string => slurm!.call(folder, ["sbatch", ...small, ...words], env).trim();
    const job = submit("--hold", "--array=0-3", script("shards.sbatch"), ...flags);
    slurm.call(folder, ["scancel", `${job}_2`]);
    const early = submit(`--dependency=afterany:${job}`, "--output=early.txt", script("merge.sbatch"));
    slurm.call(folder, ["scontrol", "release", job]);
    await slurm.ended(early);
    const said = readFileSync(join(folder, "early.txt"), "utf8");
    assert.match(said, /sharded: \d of 10 windows are missing .*\n {2}shard 2\/4 \(never began\): windows 2, 6\n/);
    const [, again] = /Of a Slurm array: sbatch (--array=\S+), and its script/.exec(said) ?? [];
    assert.equal(again, "--array=2");

    const second = submit(again, script("shards.sbatch"), ...flags);
    await slurm.ended(submit(`--dependency=afterany:${second}`, "--output=late.txt", script("merge.sbatch")));
    assert.match(readFileSync(join(folder, "late.txt"), "utf8"), /^fake +/m);
    assert.equal(answersOf(join(folder, "sharded")), answersOf(join(folder, "whole")));
  });
});

/** What npx finds as blip2-bench in this folder. */
function installFakeCommand(folder: string): void {
  const bin = join(folder, "node_modules", ".bin");
  mkdirSync(bin, { recursive: true });
  const path = join(bin, "blip2-bench");
  writeFileSync(path, `#!/bin/sh\nexec ${process.execPath} ${fakeCommand} "$@"\n`);
  chmodSync(path, 0o755);
}
