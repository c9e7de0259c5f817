/** A run with several workers: the same bytes as with one, deaths, Ctrl-C, what is refused. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inOrder } from "../../../harness/evaluation/in-order.ts";
import { usableProcessors } from "../../../harness/catalog/usable-processors.ts";
import { GeneratorWorkers } from "../../../harness/processes/generator-workers.ts";
import { describeWorkers, splitThreads } from "../../../harness/processes/worker-pool.ts";
import type { DecodingOptions, GenerationRequest } from "../../../models/model.ts";
import {
  assertFails,
  fakeCommand,
  fakeInProcess,
  inProcess,
  runProcess,
  startAndWait,
} from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";
import { bytesOf } from "../../support/run-bytes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

/** Everything a run wrote, timings and the processor aside. */
const bytes = (name: string): string => bytesOf(join(folder, name)).replace(/"processor": ?\{[^}]*\}/, "");
const words = ["run", "--model", "fake", "--limit", "40", "--batch-size", "4"];

function fakeWith(env: Readonly<Record<string, string>>, ...more: string[]): Ended {
  return runProcess(folder, { command: fakeCommand, words: [...words, "--workers", "2", ...more], env });
}

describe("results in order", () => {
  it("come in the order of the items, with at most so many begun", async () => {
    let [begun, most] = [0, 0];
    const wait = [30, 1, 10, 1, 5];
    const results: number[] = [];
    for await (const result of inOrder(wait, 3, async (ms, index) => {
      begun += 1;
      most = Math.max(most, begun);
      await new Promise((resolve) => setTimeout(resolve, ms));
      return index;
    })) {
      results.push(result);
      begun -= 1;
    }
    assert.deepEqual(results, [0, 1, 2, 3, 4]);
    assert.equal(most, 3);
  });

  it("end with the first error", async () => {
    const work = (item: number): Promise<number> =>
      item > 1 ? Promise.reject(new Error(`item ${item}`)) : Promise.resolve(item);
    const results: number[] = [];
    await assert.rejects(async () => {
      for await (const result of inOrder([0, 1, 2, 3], 4, work)) results.push(result);
    }, /item 2/);
    assert.deepEqual(results, [0, 1]);
  });
});

describe("the threads of workers", () => {
  it("are split evenly, one each at least", () => {
    assert.deepEqual(splitThreads(5, 2), [3, 2]);
    assert.deepEqual(splitThreads(2, 3), [1, 1, 1]);
    assert.equal(describeWorkers(2, 2), "2 workers x 1 thread");
    assert.equal(describeWorkers(5, 2), "2 workers x 2 or 3 threads");
  });
});

describe("workers", () => {
  const entry = join(projectRoot, "dist", "test", "support", "fake-model-process.js");
  const place = { where: "fake", threads: 1, cacheFolder, hubCache: "" };
  const options: DecodingOptions = {
    beams: 1,
    newTokens: { min: 1, max: 5 },
    lengthPenalty: 1,
    repetitionPenalty: 1,
    earlyStopping: false,
  };
  const about = (id: string): GenerationRequest => ({ image: { id, path: `${id}.jpg` }, prompt: `about ${id}` });

  it("fail a batch that two of them died over, and no other", async () => {
    const messages: string[] = [];
    const onMessage = (message: string): unknown => messages.push(message);
    const workers = await GeneratorWorkers.start([place, place], { entry, onMessage });
    const batches = ["a", "crash", "b", "c", "d", "e"].map((id) => workers.generate([about(id)], options));
    const answers = (await Promise.all(batches)).flat();
    assert.deepEqual(
      answers.map(({ status }) => status),
      ["predicted", "failed", "predicted", "predicted", "predicted", "predicted"],
    );
    assert.ok(answers[1]?.status === "failed");
    assert.equal(answers[1].error, "asked twice, and the process that was asked was ended by SIGKILL");
    assert.equal(messages.length, 2);
    assert.match(messages[0]!, /Its last words: terminate called\nA new one is started and asked the same\.$/);
    assert.match(messages[1]!, /It is the second to end over these; they count as failed\.$/);
    await workers.release();
    await assert.rejects(workers.generate([about("a")], options), /was released/);
  });

  it("are not started where one of them cannot load", async () => {
    const broken = { ...place, where: "fake broken" };
    await assert.rejects(GeneratorWorkers.start([place, broken], { entry }), { name: "CheckpointError" });
    await assert.rejects(GeneratorWorkers.start([broken, place], { entry }), { name: "CheckpointError" });
  });
});

describe("a run with --workers", () => {
  it("gives the bytes of a run with one, and says how the threads are split", async () => {
    assert.equal((await fakeInProcess(folder, ...words, "--output", "one")).code, 0);
    const two = await fakeInProcess(folder, ...words, "--workers", "2", "--threads", "2", "--output", "two");
    assert.equal(two.code, 0, two.err);
    assert.match(two.err, /2 workers x 1 thread; each has its own copy of the weights it computes with\./);
    assert.equal(bytes("two"), bytes("one"));
  });

  it("gives the bytes of a run with one, by a bundled checkpoint", async () => {
    const real = ["run", "--model", "shapes-opt-base", "--tasks", "vqav2", "--limit", "60"];
    for (const workers of ["1", "2"]) {
      const ended = await inProcess(folder, ...real, "--workers", workers, "--output", workers);
      assert.equal(ended.code, 0, ended.err);
      assert.match(ended.err, /vqav2: of \d+\.\d s, the model waited \d+\.\d s for images and prompts \(\d+\.\d %\)/);
    }
    assert.equal(bytes("2"), bytes("1"));
    assert.match(readFileSync(join(folder, "2", "run.json"), "utf8"), /"waitMs": \d+.*\s+"computeMs": \d+/);
  });

  it("asks a batch again when its worker died over it", async () => {
    assert.equal((await fakeInProcess(folder, ...words, "--output", "one")).code, 0);
    const two = fakeWith({ FAKE_CRASH: `1953 ${join(folder, "marker")}` }, "--output", "two");
    assert.equal(two.code, 0, two.err);
    assert.match(two.err, /was ended by SIGKILL while asked for answers to 16 requests, from image/);
    assert.equal(bytes("two"), bytes("one"));
  });

  it("asks a batch again when its worker lost the device over it", async () => {
    assert.equal((await fakeInProcess(folder, ...words, "--output", "one")).code, 0);
    const two = fakeWith({ FAKE_LOST: `1953 ${join(folder, "marker")}` }, "--output", "two");
    assert.equal(two.code, 0, two.err);
    assert.match(two.err, /ended with exit code 1 while asked for answers to 16 requests, from image/);
    assert.match(two.err, /Its last words: graph decoder on webgpu: the device was lost/);
    assert.equal(bytes("two"), bytes("one"));
  });

  it("goes on without a batch that no worker survives, and ends with 3", async () => {
    const { code, err } = fakeWith({ FAKE_CRASH: "1953" }, "--output", "two");
    assert.equal(code, 3, err);
    assert.match(
      err,
      /fake vqav2: 16 of 40 samples failed:\n {2}\d+: asked twice, and the process that was asked was ended by/,
    );
    assert.equal((await fakeInProcess(folder, ...words, "--output", "one")).code, 0);
    const again = await fakeInProcess(folder, ...words, "--workers", "2", "--output", "two");
    assert.equal(again.code, 0, again.err);
    assert.equal(bytes("two"), bytes("one"));
  });

  it("ends by Ctrl-C, with what is done in order, and goes on from there", async () => {
    const more = [...words.slice(0, 3), "--limit", "200", "--batch-size", "4", "--workers", "2"];
    const child = await startAndWait(folder, { output: "a", lines: 12, words: more });
    child.kill("SIGINT");
    const [code] = (await once(child, "close")) as [number | null];
    assert.equal(code, 130);
    assert.equal((await fakeInProcess(folder, ...more, "--output", "a")).code, 0);
    assert.equal((await fakeInProcess(folder, ...more, "--output", "whole")).code, 0);
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "whole")));
  });

  it("gives the bytes of a run with one on a retrieval task, before and behind a stop", async () => {
    const ranked = ["run", "--model", "shapes-itm", "--tasks", "flickr30k-retrieval", "--limit", "14", "--rerank", "4"];
    const run = (output: string, ...more: string[]): Promise<Ended> =>
      inProcess(folder, ...ranked, "--batch-size", "3", "--no-report", "--output", output, ...more);
    assert.equal((await run("one", "--threads", "2")).code, 0);
    const two = await run("two", "--threads", "2", "--workers", "2");
    assert.equal(two.code, 0, two.err);
    assert.match(two.err, /2 workers x 1 thread;/);
    assert.equal(bytes("two"), bytes("one"));
    const similarities = (name: string): Buffer => readFileSync(join(folder, name, "similarities.f32"));
    assert.deepEqual(similarities("two"), similarities("one"));

    const journal = join(folder, "two", "predictions.jsonl");
    writeFileSync(journal, readFileSync(journal, "utf8").split("\n").slice(0, 5).join("\n") + "\n");
    const again = await run("two", "--threads", "2", "--workers", "2");
    assert.equal(again.code, 0, again.err);
    assert.equal(bytes("two"), bytes("one"));
  });

  it("says where it gains nothing", async () => {
    const many = usableProcessors() + 1;
    const { err } = await fakeInProcess(folder, ...words, "--workers", String(many), "--output", "many");
    assert.match(err, new RegExp(`--workers ${many}: there are only ${many - 1} cores; more workers take memory`));
  });

  it("is refused with less than one worker", async () => {
    for (const found of ["0", "-1", "two", "1.5"]) {
      const message = `--workers: found "${found}", expected a whole number from 1.`;
      assertFails(await inProcess(folder, "run", `--workers=${found}`), 2, message);
    }
  });
});
