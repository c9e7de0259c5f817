/** The run folder: what is written, what is found again after a crash, and what is refused. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { readRun } from "../../reports/records/run-files.ts";
import { RunFolder } from "../../reports/records/run-folder.ts";
import { RunFolderError } from "../../reports/records/run-folder-error.ts";
import { identityHash } from "../../reports/records/run-record.ts";
import type { Prediction, RunPlan } from "../../reports/records/run-record.ts";
import { until } from "../support/command-process.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

const plan: RunPlan = {
  config: { task: "vqav2", protocol: "paper", limit: null, batchSize: 2, decoding: { beams: 5 }, overrides: {} },
  checkpoint: { name: "tiny", source: "bundled", family: "opt", fingerprint: "c0ffee" },
  data: { dataset: "vqav2", split: "val", folder: null, images: null, files: [], samples: 4 },
  code: { version: "1.0.0", commit: null, dirty: null, fingerprint: "beef" },
  packages: { sharp: "1.0.0" },
  processor: { model: "abacus", cores: 2, threads: 2, memoryBytes: 1, platform: "linux", node: "v20" },
  seeds: {},
};
const fresh = { samples: 4, overwrite: false };

function predicted(id: string, text = "red"): Prediction {
  return { id, status: "predicted", image: "1", prompt: "?", text, tokens: [3], score: -0.5, latencyMs: { decode: 1 } };
}

function failed(id: string): Prediction {
  return { id, status: "failed", image: "1", prompt: "?", error: "no such image" };
}

/** A folder of its own for every test, and a run folder in it that is not there yet. */
let folder = "";
let path = "";
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder, "run");
});

/** A finished run with these predictions. */
async function writeRun(predictions: readonly Prediction[], samples = predictions.length): Promise<void> {
  const run = await RunFolder.open(path, plan, { samples, overwrite: false });
  await run.begin(plan, []);
  await run.append(predictions);
  const ids = predictions.map(({ id }) => id);
  await run.finish("complete", ids);
  await run.close();
}

function journalIds(): string[] {
  const text = readFileSync(join(path, "predictions.jsonl"), "utf8");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { id: string }).id);
}

describe("a run folder", () => {
  it("holds the run's plan, how far it has come, and its predictions", async () => {
    await writeRun([predicted("a"), failed("b")]);
    assert.deepEqual(readdirSync(path).sort(), ["SHA256SUMS", "predictions.jsonl", "run.json"]);
    const { record, outcomes } = await readRun(path);
    assert.equal(record.format, "blip2-bench-run/1");
    assert.equal(record.identity, identityHash(plan));
    assert.deepEqual(record.counts, { samples: 2, predicted: 1, failed: 1 });
    assert.deepEqual(record.config, plan.config);
    assert.deepEqual(
      [...outcomes],
      [
        ["a", { status: "predicted", text: "red" }],
        ["b", { status: "failed", error: "no such image" }],
      ],
    );
  });

  it("is found again by the same plan, wherever files lie and whatever computes", async () => {
    await writeRun([predicted("a")]);
    const elsewhere = {
      ...plan,
      data: { ...plan.data, folder: "/elsewhere", images: "/images" },
      processor: { ...plan.processor, threads: 1 },
      code: { ...plan.code, commit: "another", dirty: true },
    };
    const run = await RunFolder.open(path, elsewhere, { samples: 1, overwrite: false });
    assert.deepEqual([...run.outcomes.keys()], ["a"]);
    await run.close();
  });

  it("with another run in it is refused, and every difference is named", async () => {
    await writeRun([predicted("a")]);
    const other: RunPlan = {
      ...plan,
      config: { ...plan.config, batchSize: 16, overrides: { beams: 3 } },
      checkpoint: { ...plan.checkpoint, fingerprint: "decaf" },
    };
    await assert.rejects(RunFolder.open(path, other, fresh), {
      name: "RunFolderError",
      message: [
        `${path}: holds predictions of another run:`,
        "  config.batchSize: found 2, expected 16",
        "  checkpoint.fingerprint: found c0ffee, expected decaf",
        "  config.overrides.beams: found none, expected 3",
        "Give another folder with --output, or --overwrite to start this one again.",
      ].join("\n"),
    });
    assert.deepEqual(readdirSync(path).sort(), ["SHA256SUMS", "predictions.jsonl", "run.json"], "and the lock is gone");
  });

  it("with another run in it is started again with --overwrite; other files in it stay", async () => {
    await writeRun([predicted("a")]);
    writeFileSync(join(path, "notes.txt"), "mine");
    const other = { ...plan, seeds: { order: 1 } };
    const run = await RunFolder.open(path, other, { samples: 4, overwrite: true });
    assert.equal(run.outcomes.size, 0);
    await run.close();
    assert.deepEqual(readdirSync(path), ["notes.txt"]);
  });

  it("with another run that predicted nothing is no other run's", async () => {
    await writeRun([]);
    const run = await RunFolder.open(path, { ...plan, seeds: { order: 1 } }, fresh);
    assert.deepEqual(run.record.seeds, { order: 1 });
    await run.close();
  });

  it("that holds anything but a run is refused and left as it is, --overwrite or not", async () => {
    mkdirSync(path);
    writeFileSync(join(path, "thesis.doc"), "mine");
    for (const overwrite of [false, true]) {
      await assert.rejects(RunFolder.open(path, plan, { samples: 1, overwrite }), {
        name: "RunFolderError",
        message: `${path}: not empty, and no run: run.json is missing. Give a new folder with --output.`,
      });
    }
    assert.deepEqual(readdirSync(path), ["thesis.doc"]);
  });

  it("that cannot be made is refused with the reason", async () => {
    writeFileSync(path, "a file");
    const below = join(path, "below");
    await assert.rejects(RunFolder.open(below, plan, fresh), {
      name: "RunFolderError",
      message: `${below}: cannot be used as a run folder: a part of the path is a file (ENOTDIR). Give another folder with --output.`,
    });
  });

  it("is not there before the first prediction: an opened folder goes again, with those made above it", async () => {
    const deep = join(folder, "runs", "today");
    const run = await RunFolder.open(deep, plan, fresh);
    assert.deepEqual(readdirSync(deep), ["run.lock"]);
    await run.close();
    assert.deepEqual(readdirSync(folder), []);
  });

  it("with a broken run.json is refused, and says where it is broken", async () => {
    await writeRun([predicted("a")]);
    const file = join(path, "run.json");
    const whole = readFileSync(file, "utf8");
    const cases: readonly [string, RegExp][] = [
      [whole.slice(0, -10), /run\.json: not JSON: .* --overwrite to start again\.$/],
      [
        whole.replace("blip2-bench-run/1", "blip2-bench-run/2"),
        /run\.json: format "blip2-bench-run\/2", expected "blip2-bench-run\/1"\./,
      ],
      [whole.replace('"batchSize": 2', '"batchSize": "2"'), /run\.json: "config\.batchSize": .*expected number/],
    ];
    for (const [text, message] of cases) {
      writeFileSync(file, text);
      await assert.rejects(RunFolder.open(path, plan, fresh), (error) => {
        assert.ok(error instanceof RunFolderError);
        assert.match(error.message, message);
        return true;
      });
    }
    await (await RunFolder.open(path, plan, { samples: 1, overwrite: true })).close();
    assert.equal(existsSync(path), true, "it was there before, so it stays");
  });

  it("loses what a crash left of a write", async () => {
    await writeRun([predicted("a")]);
    writeFileSync(join(path, "run.json.123.tmp"), "{");
    await (await RunFolder.open(path, plan, fresh)).close();
    assert.deepEqual(readdirSync(path).sort(), ["SHA256SUMS", "predictions.jsonl", "run.json"]);
  });

  it("puts predictions in order at the end, and drops those that are not kept at the start", async () => {
    await writeRun([predicted("a"), predicted("b"), failed("c"), predicted("d")]);
    const run = await RunFolder.open(path, plan, fresh);
    await run.begin(plan, ["d", "a"]);
    assert.deepEqual(journalIds(), ["d", "a"]);
    await run.append([predicted("b"), predicted("c")]);
    await run.finish("complete", ["a", "b", "c", "d"]);
    await run.close();
    assert.deepEqual(journalIds(), ["a", "b", "c", "d"]);
  });

  it("says a finished run's end once: opening it again moves no byte", async () => {
    await writeRun([predicted("a")]);
    const before = readFileSync(join(path, "run.json"), "utf8");
    const run = await RunFolder.open(path, plan, fresh);
    await run.finish("complete", ["a"]);
    await run.close();
    assert.equal(readFileSync(join(path, "run.json"), "utf8"), before);
  });

  it("writes per-sample scores in columns, a line each", async () => {
    const run = await RunFolder.open(path, plan, fresh);
    await run.begin(plan, []);
    const counts = { samples: 2, scored: 2, failed: 0, missing: 0 };
    const samples = { id: ["a", "b"], accuracy: [1, 0.3] };
    const sheet = { format: "blip2-bench-scores/1", code: "beef", counts, metrics: [], samples } as const;
    await run.writeScores(sheet);
    await run.close();
    const text = readFileSync(join(path, "scores.json"), "utf8");
    assert.deepEqual(JSON.parse(text), sheet);
    assert.match(text, /^ {4}"accuracy": \[1,0\.3\]$/m);
  });
});

describe("the lock of a run folder", () => {
  it("keeps another process out, and says which holds it", async () => {
    const run = await RunFolder.open(path, plan, fresh);
    const lock = readFileSync(join(path, "run.lock"), "utf8");
    await run.close();
    mkdirSync(path);
    // The parent process of the tests lives as long as they do.
    writeFileSync(
      join(path, "run.lock"),
      lock.replace(`"pid":${process.pid}`, `"pid":${process.ppid}`).replace(/"started":"\d+"/, '"started":null'),
    );
    await assert.rejects(RunFolder.open(path, plan, fresh), {
      name: "RunFolderError",
      message:
        `${path}: in use by process ${process.ppid} on ${hostname()}. Wait for it, or give another --output. ` +
        `If it is not running any more, delete ${join(path, "run.lock")}.`,
    });
  });

  it("is taken over from a process that is gone, or whose number another has now", async () => {
    mkdirSync(path);
    const { pid } = spawnSync(process.execPath, ["--version"]);
    for (const owner of [
      { pid, host: hostname(), started: null },
      { pid: process.ppid, host: hostname(), started: "1" },
      { pid: process.pid, host: hostname(), started: "1" },
    ]) {
      if (owner.started !== null && !existsSync("/proc/self/stat")) continue;
      writeFileSync(join(path, "run.lock"), JSON.stringify(owner));
      const run = await RunFolder.open(path, plan, fresh);
      assert.match(readFileSync(join(path, "run.lock"), "utf8"), new RegExp(`"pid":${process.pid}`));
      await run.close();
      assert.deepEqual(readdirSync(path), []);
    }
  });

  it("is taken over from a process that was killed and is still in the process table", async function () {
    if (!existsSync("/proc/self/stat")) return this.skip(); // nothing to tell it by
    // The child outlives the shell, and what takes the shell's place never waits for it.
    const parent = spawn("sh", ["-c", "sleep 0.2 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      const [chunk] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(chunk.toString());
      await until(() => /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8")), parent);
      mkdirSync(path);
      writeFileSync(join(path, "run.lock"), JSON.stringify({ pid, host: hostname(), started: null }));
      await (await RunFolder.open(path, plan, fresh)).close();
    } finally {
      parent.kill();
    }
  });

  it("of another machine counts, for nothing can be asked there", async () => {
    mkdirSync(path);
    writeFileSync(join(path, "run.lock"), JSON.stringify({ pid: 1, host: "elsewhere", started: null }));
    await assert.rejects(RunFolder.open(path, plan, fresh), /in use by process 1 on elsewhere/);
  });

  it("of another machine is taken over by a later start of its scheduler's task, and by no other", async () => {
    mkdirSync(path);
    const lock = (id: string, restarts: number | null): void => {
      const owner = { pid: 1, host: "elsewhere", started: null, task: { id, restarts } };
      writeFileSync(join(path, "run.lock"), JSON.stringify(owner));
    };
    const open = (id: string, restarts: number | null): Promise<RunFolder> =>
      RunFolder.open(path, plan, { ...fresh, task: { id, restarts } });
    lock("slurm:17_3", 0);
    await assert.rejects(open("slurm:17_3", 0), /in use by process 1 on elsewhere/);
    await assert.rejects(open("slurm:17_4", 1), /in use by process 1 on elsewhere/);
    await assert.rejects(RunFolder.open(path, plan, fresh), /in use by process 1 on elsewhere/);
    await (await open("slurm:17_3", 1)).close();
    lock("kubernetes:uid/3", null);
    await assert.rejects(open("kubernetes:uid/4", null), /in use by process 1 on elsewhere/);
    await (await open("kubernetes:uid/3", null)).close();
  });
});
