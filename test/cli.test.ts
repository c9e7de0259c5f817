/**
 * The command as a process: exit codes, messages, what goes to stdout and what to stderr, and a run that is killed. The
 * real command where no model is needed; else the same command with the fake model (fake-command.ts).
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { bundledData } from "./fakes.ts";
import { projectRoot } from "./project.ts";
import { bytesOf } from "./run-bytes.ts";

const realCommand = join(projectRoot, "dist", "harness", "cli.js");
const fakeCommand = join(projectRoot, "dist", "test", "fake-command.js");

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cli-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, XDG_CACHE_HOME: join(folder, "cache"), HF_HOME: join(folder, "hub"), ...more };
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function runProcess(command: string, words: readonly string[], env: Readonly<Record<string, string>> = {}): Ended {
  const options = { cwd: folder, env: environment(env), encoding: "utf8" } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--enable-source-maps", command, ...words], options);
  return { code: status, out: stdout, err: stderr };
}

const blip2 = (...words: string[]): Ended => runProcess(realCommand, words);
const fake = (...words: string[]): Ended => runProcess(fakeCommand, words);

/** Starts a run that takes a while and comes back when this many lines of its journal are on disk. */
async function startAndWait(output: string, lines: number, words: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [fakeCommand, ...words, "--output", output], {
    cwd: folder,
    env: environment({ FAKE_BATCH_MS: "30" }),
  });
  const journal = join(folder, output, "predictions.jsonl");
  while (!existsSync(journal) || readFileSync(journal, "utf8").split("\n").length <= lines) {
    assert.equal(child.exitCode, null, "it ended before it was stopped");
    await setTimeout(5);
  }
  return child;
}

function assertFails({ code, out, err }: Ended, expectedCode: number, message: string | RegExp): void {
  if (typeof message === "string") assert.equal(err, `error: ${message}\n`);
  else assert.match(err, message);
  assert.equal(code, expectedCode);
  assert.equal(out, "");
  assert.doesNotMatch(err, /\n {4}at /, "no stack");
}

describe("blip2-bench ls", () => {
  it("lists models and tasks, on stdout", () => {
    const { code, out, err } = blip2("ls");
    assert.equal(code, 0);
    assert.equal(err, "");
    assert.match(out, /^shapes-opt-base +opt$/m);
    assert.match(out, /^vqav2 +val, train, test-dev, test +paper, lavis +accuracy, /m);
    assert.doesNotMatch(blip2("ls", "models").out, /vqav2/);
    assert.doesNotMatch(blip2("ls", "tasks").out, /shapes/);
  });

  it("lists them as JSON", () => {
    const { models, tasks } = JSON.parse(blip2("ls", "--json").out) as {
      models: { name: string }[];
      tasks: { name: string }[];
    };
    assert.deepEqual(
      models.map(({ name }) => name),
      ["shapes-opt-small", "shapes-opt-base"],
    );
    assert.equal(tasks[0]?.name, "vqav2");
  });

  it("ends quietly when its reader has enough", () => {
    const { status, stderr } = spawnSync("sh", ["-c", `"$0" "$1" ls | true`, process.execPath, realCommand], {
      encoding: "utf8",
    });
    assert.equal(stderr, "");
    assert.equal(status, 0);
  });
});

describe("blip2-bench says what is wrong with a command line, and exits with 2", () => {
  const cases: readonly [words: readonly string[], message: string | RegExp][] = [
    [[], "found no command, expected one of run, ls, score. See blip2-bench --help."],
    [["rnu"], "rnu: no such command. Did you mean run? Commands: run, ls, score."],
    [["--limt", "3"], /^error: blip2-bench --limt: no such flag\./],
    [["run", "--limt", "3"], /^error: run --limt: no such flag\. Did you mean --limit\? Flags: --model, --tasks, /],
    [["run", "--batchsize=3"], /^error: run --batchsize: no such flag\. Did you mean --batch-size\?/],
    [["run", "vqav2"], 'run: found "vqav2", expected flags only from there on.'],
    [["run", "--output"], /^error: option '-o, --output <folder>' argument missing\.$/m],
    [["run", "--tasks", "vqa2"], "--tasks vqa2: no such task. Did you mean vqav2? Tasks: vqav2."],
    [
      ["run", "--model", "shapes-opt-bsae"],
      "--model shapes-opt-bsae: no such checkpoint. Did you mean shapes-opt-base? Checkpoints: shapes-opt-small, shapes-opt-base. " +
        "Or give a folder, or a name in the Hugging Face cache such as Salesforce/blip2-opt-2.7b.",
    ],
    [["run", "--model", "no/such/folder"], /^error: no\/such\/folder: no such folder\./],
    [
      ["run", "--model", "Salesforce/blip2-opt-2.7b"],
      /^error: Salesforce\/blip2-opt-2\.7b: not in the Hugging Face cache/,
    ],
    [
      ["run", "--split", "vall"],
      "--split vall: vqav2: no such split. Did you mean val? Splits: val, train, test-dev, test.",
    ],
    [["run", "--data", "nowhere"], /^error: vqav2 val: the data folder .*nowhere does not exist/],
    [["run", "--protocol", "papr"], '--protocol: found "papr", expected paper or lavis.'],
    [
      ["run", "--limit", "0"],
      '--limit: found "0", expected a number of samples from 1, or a fraction between 0 and 1.',
    ],
    [
      ["run", "--limit", "1.5"],
      '--limit: found "1.5", expected a number of samples from 1, or a fraction between 0 and 1.',
    ],
    [["run", "--batch-size", "many"], '--batch-size: found "many", expected a whole number from 1.'],
    [["run", "--early-stopping", "yes"], '--early-stopping: found "yes", expected true or false or never.'],
    [["run", "--tasks", ","], '--tasks: found ",", expected a name, or several with commas between them.'],
    [["ls", "model"], "ls model: no such list. Did you mean models? Lists: models, tasks."],
    [["score"], "score: found no folder, expected the run folder to score."],
    [["score", "nowhere"], /^error: nowhere: no run\.json in it or in <model>\/<task> below it\./],
  ];
  for (const [words, message] of cases) {
    it(["blip2-bench", ...words].join(" "), () => {
      assertFails(blip2(...words), 2, message);
      assert.deepEqual(readdirSync(folder), [], "nothing is left behind");
    });
  }

  it("with a stack when asked for it", () => {
    const { code, err } = blip2("run", "--tasks", "vqa2", "--verbose");
    assert.equal(code, 2);
    assert.match(err, /\n {4}at /);
  });

  it("but prints help and version when asked, and exits with 0", () => {
    assert.match(blip2("--help").out, /Usage: blip2-bench/);
    assert.match(blip2("run", "--help").out, /--length-penalty <x>/);
    assert.match(blip2("--version").out, /^\d+\.\d+\.\d+\n$/);
  });
});

describe("blip2-bench run", () => {
  it("prints the table on stdout, everything else on stderr, and writes the run folder", () => {
    const { code, out, err } = fake("run", "-m", "fake", "-t", "vqav2", "-o", "a", "-L", "20");
    assert.equal(code, 0, err);
    assert.match(out, /^checkpoint +task +split/);
    assert.match(out, /^fake +vqav2 +val +paper +accuracy +\d/m);
    assert.match(err, /^Writing to .*a\n/);
    assert.match(err, /^fake vqav2: 20 of 20 samples/m);
    assert.deepEqual(readdirSync(join(folder, "a")).sort(), [
      "predictions.jsonl",
      "rows.csv",
      "run.json",
      "scores.json",
    ]);
  });

  it("prints nothing but the table with --quiet", () => {
    const { code, out, err } = fake("run", "--model", "fake", "--limit", "5", "--output", "a", "--quiet");
    assert.equal(code, 0);
    assert.equal(err, "");
    assert.match(out, /^checkpoint/);
  });

  it("prints one JSON document with --json", () => {
    const { out } = fake("run", "--model", "fake", "--limit", "5", "--output", "a", "--json");
    const result = JSON.parse(out) as {
      format: string;
      rows: { metric: string }[];
      runs: { status: string; scores: object }[];
    };
    assert.equal(result.format, "blip2-bench-result/1");
    assert.equal(result.rows.length, 3);
    assert.equal(result.runs[0]?.status, "complete");
  });

  it("takes flags in snake case, and = before the value", () => {
    const { code, err } = fake(
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

  it("runs every model on every task by default, each in a folder of its own, and one into runs/<date-time>", () => {
    const both = fake("run", "--limit", "5", "--output", "both");
    assert.equal(both.code, 0, both.err);
    assert.match(both.out, /^fake-two +vqav2/m);
    assert.deepEqual(readdirSync(join(folder, "both")).sort(), ["fake", "fake-two", "rows.csv"]);
    assert.ok(existsSync(join(folder, "both", "fake-two", "vqav2", "scores.json")));
    assert.equal(fake("run", "--limit", "5", "--output", "both").code, 0, "again: nothing is missing");
    assert.equal(fake("score", "both").code, 0);
    assertFails(fake("run", "-m", "fake", "--limit", "5", "--output", "both"), 2, /not empty, and no run/);

    assert.equal(fake("run", "-m", "fake", "--limit", "5").code, 0);
    const [name = ""] = readdirSync(join(folder, "runs"));
    assert.match(name, /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d$/);
    assertFails(
      fake("run", "--limit", "5", "--output", join("runs", name)),
      2,
      /holds a single run, and this command makes several/,
    );
    mkdirSync(join(folder, "home", "photos"), { recursive: true });
    writeFileSync(join(folder, "home", "photos", "me.jpg"), "");
    assertFails(fake("run", "--limit", "5", "--output", "home"), 2, /home: not empty, and photos in it holds no run/);
  });

  it("refuses a folder with another run, and starts again with --overwrite", () => {
    assert.equal(fake("run", "-m", "fake", "--limit", "5", "-o", "a").code, 0);
    assertFails(fake("run", "-m", "fake", "--limit", "6", "-o", "a"), 2, /^ {2}config\.limit: found 5, expected 6$/m);
    assert.equal(fake("run", "-m", "fake", "--limit", "6", "-o", "a", "--overwrite").code, 0);
  });

  it("refuses a folder that cannot be written", () => {
    writeFileSync(join(folder, "file"), "");
    assertFails(
      fake("run", "-m", "fake", "-o", "file/a"),
      2,
      /cannot be used as a run folder: a part of the path is a file \(ENOTDIR\)/,
    );
    assertFails(
      fake("run", "-m", "fake", "-o", "/proc/a"),
      2,
      /cannot be used as a run folder: no such folder, and none can be made there/,
    );
  });

  it("exits with 3 and the count when samples failed, and with 0 when they were supplied", () => {
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
    const { code, out, err } = fake(...words);
    assert.equal(code, 3);
    assert.match(
      err,
      /^error: fake vqav2: 4 of 5 samples failed:\n {2}1000001: vqav2 val: image 1000 not found in .*val2014\. Give the folder/,
    );
    assert.match(err, /and 1 more, in a\/predictions\.jsonl\nThe same command tries them again\.\n$/);
    assert.match(out, /partial: 4 of 5 samples failed; scored on the other 1\./);

    const stopped = fake(...words, "--max-errors", "1");
    assert.equal(stopped.code, 3);
    assert.match(
      stopped.err,
      /^error: stopped: more than 1 samples failed \(--max-errors\)\. 5 of 5 samples are kept in .*Go on with:\n {2}npx blip2-bench run /m,
    );

    const supplied = fake(...words, "--images", join(bundledData, "val2014"));
    assert.equal(supplied.code, 0, supplied.err);
    fake("run", "-m", "fake", "--limit", "5", "--output", "whole");
    const scores = (name: string): string => readFileSync(join(folder, name, "scores.json"), "utf8");
    assert.equal(scores("a"), scores("whole"));
  });

  it("exits with 3 when the disk is full in the middle, and goes on from there", () => {
    const words = ["run", "-m", "fake", "--limit", "300", "-o", "a"];
    // A limit on the size of files fills up like a disk: 16 blocks hold some batches, not all.
    const limited = `ulimit -f 16; exec "$0" "$@"`;
    const options = { cwd: folder, env: environment(), encoding: "utf8" } as const;
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
    assert.equal(fake(...words).code, 0);
    assert.equal(fake("run", "-m", "fake", "--limit", "300", "-o", "whole").code, 0);
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "whole")));
  });

  it("exits with 1 for a mistake of its own, and says how to see where", () => {
    const { code, err } = runProcess(fakeCommand, ["run", "-m", "fake", "-o", "a"], { FAKE_BREAKS: "1" });
    assert.equal(code, 1);
    assert.equal(
      err.split("\n").slice(-3).join("\n"),
      "error: the fake model broke\nThis is a mistake in blip2-bench. With --verbose it says where.\n",
    );
  });
});

describe("a run that is stopped", () => {
  const words = ["run", "--model", "fake", "--limit", "200", "--batch-size", "4"];

  it("by SIGKILL goes on with what is missing: the bytes are those of a run that never stopped", async () => {
    const child = await startAndWait("a", 12, words);
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.ok(existsSync(join(folder, "a", "run.lock")), "nothing was tidied up");
    appendFileSync(join(folder, "a", "predictions.jsonl"), '{"id":"1","imag');
    const again = fake(...words, "--output", "a");
    assert.equal(again.code, 0, again.err);
    assert.doesNotMatch(again.err, /: 0 of 200 samples/);
    assert.equal(fake(...words, "--output", "whole").code, 0);
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "whole")));
  });

  it("by Ctrl-C ends after the batch with 130, and says how to go on", async () => {
    const child = await startAndWait("a", 12, [...words, "--prompt", "it's {question}", "--overwrite"]);
    let err = "";
    child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.kill("SIGINT");
    child.kill("SIGINT"); // npm passes on what the terminal has sent already
    const [code] = (await once(child, "close")) as [number | null];
    assert.equal(code, 130, err);
    const command = `npx blip2-bench ${words.join(" ")} --prompt 'it'\\''s {question}' --output a`;
    assert.match(err, /Interrupted: \d+ of 200 samples are kept in .*a\. Go on with:\n/);
    assert.ok(err.endsWith(`  ${command}\n`), err);
    assert.deepEqual(readdirSync(join(folder, "a")).sort(), ["predictions.jsonl", "run.json"]);
    const lines = readFileSync(join(folder, "a", "predictions.jsonl"), "utf8").split("\n").length - 1;
    assert.equal(lines % 4, 0, "whole batches");

    const more = [...words, "--prompt", "it's {question}"];
    assert.equal(fake(...more, "--output", "a").code, 0);
    assert.equal(fake(...more, "--output", "whole").code, 0);
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "whole")));
  });

  it("by a second Ctrl-C ends at once", async () => {
    const child = spawn(process.execPath, [fakeCommand, ...words, "--output", "a"], {
      cwd: folder,
      env: environment({ FAKE_LOAD_MS: "60000" }),
    });
    while (!existsSync(join(folder, "a", "run.lock"))) await setTimeout(5);
    child.kill("SIGINT");
    await setTimeout(700); // within half a second it would count as the same key
    child.kill("SIGINT");
    assert.deepEqual(await once(child, "exit"), [130, null]);
    assert.equal(fake(...words, "--output", "a").code, 0);
  });

  it("keeps another process out while it runs", async () => {
    const child = await startAndWait("a", 4, words);
    assertFails(
      fake(...words, "--output", "a"),
      2,
      /a: in use by process \d+ on .*\. Wait for it, or give another --output\./,
    );
    child.kill("SIGKILL");
    await once(child, "exit");
  });
});

describe("blip2-bench score", () => {
  it("scores again from the predictions on disk, with the same bytes and the same table", () => {
    const { out } = fake("run", "-m", "fake", "--limit", "30", "-o", "a", "--quiet");
    const before = bytesOf(join(folder, "a"));
    rmSync(join(folder, "a", "scores.json"));
    const again = fake("score", "a");
    assert.deepEqual(again, { code: 0, out, err: "" });
    assert.equal(bytesOf(join(folder, "a")), before);
  });

  it("refuses other data than the run's", () => {
    fake("run", "-m", "fake", "--limit", "5", "-o", "a");
    const data = join(folder, "data");
    mkdirSync(data);
    for (const name of ["v2_OpenEnded_mscoco_val2014_questions.json", "v2_mscoco_val2014_annotations.json"]) {
      cpSync(join(bundledData, name), join(data, name));
    }
    assert.equal(fake("score", "a", "--data", data).code, 0, "the same files elsewhere");
    appendFileSync(join(data, "v2_mscoco_val2014_annotations.json"), "\n");
    assertFails(
      fake("score", "a", "--data", data),
      2,
      /^error: a: was run on another v2_mscoco_val2014_annotations\.json: found SHA-256 [0-9a-f]{64} in /,
    );
  });

  it("scores what there is of a run that was stopped, and exits with 3", async () => {
    const child = await startAndWait("a", 8, ["run", "-m", "fake", "--limit", "100", "--batch-size", "4"]);
    child.kill("SIGKILL");
    await once(child, "exit");
    const { code, out } = fake("score", "a");
    assert.equal(code, 3);
    assert.match(out, /partial: \d+ of 100 were not asked; scored on the other \d+\./);
  });
});
