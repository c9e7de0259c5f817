/** The command as a process: exit codes, what goes to stdout and what to stderr, what is written. With the fake model. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  assertFails,
  environment,
  fake,
  fakeCommand,
  fakeInProcess,
  runProcess,
  startAndWait,
} from "../../support/command-process.ts";
import { bundledData } from "../../support/fakes.ts";
import { bytesOf } from "../../support/run-bytes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

describe("blip2-bench run", () => {
  it("prints the table on stdout, everything else on stderr, and writes the run folder", () => {
    const { code, out, err } = fake(folder, "run", "-m", "fake", "-t", "vqav2", "-o", "a", "-L", "20");
    assert.equal(code, 0, err);
    assert.match(out, /^checkpoint +task +split/);
    assert.match(out, /^fake +vqav2 +val +paper +accuracy +\d/m);
    assert.match(err, /^Writing to .*a\n/);
    assert.match(err, /^fake vqav2: 20 of 20 samples/m);
    assert.deepEqual(readdirSync(join(folder, "a")).sort(), [
      "SHA256SUMS",
      "predictions.jsonl",
      "report",
      "rows.csv",
      "run.json",
      "scores.json",
    ]);
  });

  it("prints nothing but the table with --quiet", async () => {
    const { code, out, err } = await fakeInProcess(
      folder,
      "run",
      "--model",
      "fake",
      "--limit",
      "5",
      "--output",
      "a",
      "--quiet",
    );
    assert.equal(code, 0);
    assert.equal(err, "");
    assert.match(out, /^checkpoint/);
  });

  it("prints one JSON document with --json", async () => {
    const { out } = await fakeInProcess(folder, "run", "--model", "fake", "--limit", "5", "--output", "a", "--json");
    const result = JSON.parse(out) as {
      format: string;
      rows: { metric: string }[];
      runs: { status: string; scores: object }[];
    };
    assert.equal(result.format, "blip2-bench-result/1");
    assert.equal(result.rows.length, 3);
    assert.equal(result.runs[0]?.status, "complete");
  });

  it("takes flags in snake case, and = before the value", async () => {
    const { code, err } = await fakeInProcess(
      folder,
      "run",
      "--models=fake",
      "--task",
      "vqav2",
      "--batch_size=3",
      "--max_new_tokens",
      "5",
      "--length_penalty",
      "-1.5",
      "--limit",
      "0.01",
      "--output",
      "a_b",
    );
    assert.equal(code, 0, err);
    const { config } = JSON.parse(readFileSync(join(folder, "a_b", "run.json"), "utf8")) as {
      config: { batchSize: number; overrides: object };
    };
    assert.equal(config.batchSize, 3);
    assert.deepEqual(config.overrides, { lengthPenalty: -1.5, maxNewTokens: 5 });
  });

  it("runs every model on every task by default, each in a folder of its own, and one into runs/<date-time>", async () => {
    const both = await fakeInProcess(folder, "run", "--limit", "5", "--output", "both");
    assert.equal(both.code, 0, both.err);
    assert.match(both.out, /^fake-two +vqav2/m);
    assert.deepEqual(readdirSync(join(folder, "both")).sort(), ["fake", "fake-two", "report", "rows.csv"]);
    assert.ok(existsSync(join(folder, "both", "fake-two", "vqav2", "scores.json")));
    assert.equal(
      (await fakeInProcess(folder, "run", "--limit", "5", "--output", "both")).code,
      0,
      "again: nothing is missing",
    );
    assert.equal((await fakeInProcess(folder, "score", "both")).code, 0);
    assertFails(
      await fakeInProcess(folder, "run", "-m", "fake", "--limit", "5", "--output", "both"),
      2,
      /not empty, and no run/,
    );

    assert.equal((await fakeInProcess(folder, "run", "-m", "fake", "--limit", "5")).code, 0);
    const [name = ""] = readdirSync(join(folder, "runs"));
    assert.match(name, /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d$/);
    assertFails(
      await fakeInProcess(folder, "run", "--limit", "5", "--output", join("runs", name)),
      2,
      /holds a single run, and this command makes several/,
    );
    mkdirSync(join(folder, "killed"));
    writeFileSync(join(folder, "killed", "rows.csv.17.tmp"), ""); // of a command that was killed as it wrote its table
    const several = ["-m", "fake,fake-two", "--limit", "5", "--output", "killed"];
    const { code, err } = await fakeInProcess(folder, "run", ...several);
    assert.equal(code, 0, err);
    mkdirSync(join(folder, "home", "photos"), { recursive: true });
    writeFileSync(join(folder, "home", "photos", "me.jpg"), "");
    assertFails(
      await fakeInProcess(folder, "run", "--limit", "5", "--output", "home"),
      2,
      /home: not empty, and photos in it holds no run/,
    );
  });

  it("refuses a folder with another run, and starts again with --overwrite", async () => {
    assert.equal((await fakeInProcess(folder, "run", "-m", "fake", "--limit", "5", "-o", "a")).code, 0);
    assertFails(
      await fakeInProcess(folder, "run", "-m", "fake", "--limit", "6", "-o", "a"),
      2,
      /^ {2}config\.limit: found 5, expected 6$/m,
    );
    assert.equal((await fakeInProcess(folder, "run", "-m", "fake", "--limit", "6", "-o", "a", "--overwrite")).code, 0);
  });

  it("refuses a folder that cannot be written", async () => {
    writeFileSync(join(folder, "file"), "");
    assertFails(
      await fakeInProcess(folder, "run", "-m", "fake", "-o", "file/a"),
      2,
      /cannot be used as a run folder: a part of the path is a file \(ENOTDIR\)/,
    );
    assertFails(
      await fakeInProcess(folder, "run", "-m", "fake", "-o", "/proc/a"),
      2,
      /cannot be used as a run folder: no such folder, and none can be made there/,
    );
  });

  it("exits with 3 and the count when samples failed, and with 0 when they were supplied", async () => {
    const data = join(folder, "data");
    mkdirSync(data);
    for (const name of ["v2_OpenEnded_mscoco_val2014_questions.json", "v2_mscoco_val2014_annotations.json"]) {
      cpSync(join(bundledData, name), join(data, name));
    }
    cpSync(
      join(bundledData, "val2014", "COCO_val2014_000000001953.jpg"),
      join(data, "val2014", "COCO_val2014_000000001953.jpg"),
    );
    const words = ["run", "-m", "fake", "--limit", "5", "--data", data, "--output", "a", "--quiet"];
    const { code, out, err } = await fakeInProcess(folder, ...words);
    assert.equal(code, 3);
    assert.match(
      err,
      /^error: fake vqav2: 4 of 5 samples failed:\n {2}1000001: vqav2 val: image 1000 not found in .*val2014\. Give the folder/,
    );
    assert.match(err, /and 1 more, in .*a\/predictions\.jsonl\nThe same command tries them again\.\n$/);
    assert.match(out, /partial: 4 of 5 samples failed; scored on the other 1\./);

    const stopped = await fakeInProcess(folder, ...words, "--max-errors", "1");
    assert.equal(stopped.code, 3);
    assert.match(
      stopped.err,
      /^error: stopped: more samples failed than --max-errors 1 allows\. 5 of 5 samples are kept in .*Go on with:\n {2}npx blip2-bench run /m,
    );

    const supplied = await fakeInProcess(folder, ...words, "--images", join(bundledData, "val2014"));
    assert.equal(supplied.code, 0, supplied.err);
    await fakeInProcess(folder, "run", "-m", "fake", "--limit", "5", "--output", "whole");
    const scores = (name: string): string => readFileSync(join(folder, name, "scores.json"), "utf8");
    assert.equal(scores("a"), scores("whole"));
  });

  it("exits with 3 when the disk is full in the middle, and goes on from there", async () => {
    const words = ["run", "-m", "fake", "--limit", "300", "-o", "a"];
    // A limit on the size of files fills up like a disk: 16 blocks hold some batches, not all.
    const limited = `ulimit -f 16; exec "$0" "$@"`;
    const options = { cwd: folder, env: environment(folder), encoding: "utf8" } as const;
    const { status, stderr } = spawnSync("sh", ["-c", limited, process.execPath, fakeCommand, ...words], options);
    assert.match(
      stderr,
      /^\d+ of 300 samples are kept in .*a\. Go on with:\n {2}npx blip2-bench run -m fake --limit 300 -o a\n/m,
    );
    assert.match(
      stderr,
      /error: .*a: cannot be written any more: the largest file size allowed is reached \(EFBIG\)\./,
    );
    assert.equal(status, 3);
    assert.equal((await fakeInProcess(folder, ...words)).code, 0);
    assert.equal((await fakeInProcess(folder, "run", "-m", "fake", "--limit", "300", "-o", "whole")).code, 0);
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "whole")));
  });

  it("exits with 1 for a mistake of its own, and says how to see where", () => {
    const { code, err } = runProcess(folder, {
      command: fakeCommand,
      words: ["run", "-m", "fake", "-o", "a"],
      env: { FAKE_BREAKS: "1" },
    });
    assert.equal(code, 1);
    assert.equal(
      err.split("\n").slice(-3).join("\n"),
      "error: the fake model broke\nThis is a mistake in blip2-bench. With --verbose it says where.\n",
    );
  });
});

describe("blip2-bench score", () => {
  it("scores again from the predictions on disk, with the same bytes and the same table", async () => {
    const { out } = await fakeInProcess(folder, "run", "-m", "fake", "--limit", "30", "-o", "a", "--quiet");
    const before = bytesOf(join(folder, "a"));
    rmSync(join(folder, "a", "scores.json"));
    const again = await fakeInProcess(folder, "score", "a");
    assert.deepEqual(again, { code: 0, out, err: "" });
    assert.equal(bytesOf(join(folder, "a")), before);
  });

  it("refuses other data than the run's", async () => {
    await fakeInProcess(folder, "run", "-m", "fake", "--limit", "5", "-o", "a");
    const data = join(folder, "data");
    mkdirSync(data);
    for (const name of ["v2_OpenEnded_mscoco_val2014_questions.json", "v2_mscoco_val2014_annotations.json"]) {
      cpSync(join(bundledData, name), join(data, name));
    }
    assert.equal((await fakeInProcess(folder, "score", "a", "--data", data)).code, 0, "the same files elsewhere");
    appendFileSync(join(data, "v2_mscoco_val2014_annotations.json"), "\n");
    assertFails(
      await fakeInProcess(folder, "score", "a", "--data", data),
      2,
      /^error: a: was run on another v2_mscoco_val2014_annotations\.json: found SHA-256 [0-9a-f]{64} in /,
    );
  });

  it("scores what there is of a run that was stopped, and exits with 3", async () => {
    const child = await startAndWait(folder, {
      output: "a",
      lines: 8,
      words: ["run", "-m", "fake", "--limit", "100", "--batch-size", "4"],
    });
    child.kill("SIGKILL");
    await once(child, "exit");
    const { code, out } = await fakeInProcess(folder, "score", "a");
    assert.equal(code, 3);
    assert.match(out, /partial: \d+ of 100 were not asked; scored on the other \d+\./);
  });
});
