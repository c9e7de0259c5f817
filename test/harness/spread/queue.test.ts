/**
 * A run whose windows workers answer, by BullMQ and Redis. The model is a fake. SCALE_KILLS: workers that are killed, which
 * takes half a minute each; `npm run test:scale` has the fifty.
 */
import assert from "node:assert/strict";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Worker } from "bullmq";
import {
  callCommand,
  fakeCommand,
  fakeInProcess,
  inProcess,
  startProcess,
  until,
} from "../../support/command-process.ts";
import { redisPassword, skipWithoutRedis, startRedis } from "../../support/redis.ts";
import type { TestRedis } from "../../support/redis.ts";
import { answersOf } from "../../support/run-bytes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const question = ["--model", "fake", "--tasks", "vqav2", "--limit", "80", "--batch-size", "1"];
const kills = Number(process.env["SCALE_KILLS"] ?? "0");

interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly err: () => string;
  readonly out: () => string;
}

describe("a run whose windows are queued", () => {
  before(skipWithoutRedis);
  let folder = "";
  let redis: TestRedis;
  beforeEach(async () => {
    folder = temporaryFolder();
    redis = await startRedis();
  });
  afterEach(() => {
    redis.client.disconnect();
  });

  function start(words: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
    const at = { BLIP2_BENCH_REDIS: redis.url, ...env };
    const child = startProcess(folder, { command: fakeCommand, words, env: at });
    let [err, out] = ["", ""];
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    return { child, err: () => err, out: () => out };
  }

  const coordinate = (env = {}): Started =>
    start(["run", ...question, "--queue", "--output", "queued", "--no-report"], env);
  const work = (...more: string[]): Started => start(["worker", ...question, ...more], { FAKE_BATCH_MS: "60" });

  async function ended({ child, err }: Started): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    assert.doesNotMatch(err(), new RegExp(redisPassword));
    return child.exitCode;
  }

  async function assertSame(): Promise<void> {
    const whole = await fakeInProcess(folder, "run", ...question, "--no-report", "--output", "whole");
    assert.equal(whole.code, 0, whole.err);
    assert.equal(answersOf(join(folder, "queued")), answersOf(join(folder, "whole")));
    for (const name of readdirSync(join(folder, "queued"))) {
      assert.ok(!readFileSync(join(folder, "queued", name), "latin1").includes(redisPassword), name);
    }
  }

  async function answered(lines: number, coordinator: Started): Promise<void> {
    const journal = join(folder, "queued", "predictions.jsonl");
    await until(
      () => existsSync(journal) && readFileSync(journal, "utf8").split("\n").length > lines,
      coordinator.child,
    );
  }

  it("has the bytes of a run of one process: two workers, a coordinator that is killed, a Redis that is emptied", async () => {
    const workers = [work("--once"), work("--once")];
    const first = coordinate();
    await answered(8, first);
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const second = coordinate();
    await answered(40, second);
    await redis.client.flushall();
    assert.equal(await ended(second), 0, second.err());
    for (const worker of workers) assert.equal(await ended(worker), 0, worker.err());
    assert.match(workers[0]!.err(), /\d+ windows answered\./);
    await assertSame();
    const { machines } = JSON.parse(readFileSync(join(folder, "queued", "run.json"), "utf8")) as {
      machines: unknown[];
    };
    assert.ok(machines.length > 0);
    await setTimeout(100);
    assert.deepEqual(await redis.client.keys("*"), [], "nothing is left in Redis");
  });

  it("is answered in no other way by a worker with other flags, which ends with what differs", async () => {
    const coordinator = coordinate();
    const other = start(["worker", ...question, "--beams", "2", "--prompt", "secret {question}"]);
    assert.equal(await ended(other), 2);
    assert.match(
      other.err(),
      /the run that is queued is not fake vqav2 as it would be here:\n[^]*config\.decoding\.beams: found 2, expected 5/,
    );
    assert.match(other.err(), /config\.overrides\.prompt: found SHA-256 \w{16}, expected none/);
    const [key = ""] = await redis.client.keys("blip2-bench:run-*:wait");
    assert.equal(await redis.client.llen(key), 20, "no window was touched");
    coordinator.child.kill("SIGTERM");
    assert.equal(await ended(coordinator), 143);
    assert.match(coordinator.err(), /Interrupted: 0 of 80 samples are kept/);
  });

  it("takes nothing that is no answer to the window, and says so once", async () => {
    const coordinator = coordinate();
    await until(() => coordinator.err().includes("0 of 80 samples"), coordinator.child);
    let keys: string[] = [];
    while (keys.length === 0) keys = await redis.client.keys("blip2-bench:run-*:meta");
    const name = keys[0]!.split(":")[1]!;
    const { hostname, port } = new URL(redis.url);
    const connection = { host: hostname, port: Number(port), password: redisPassword, maxRetriesPerRequest: null };
    const wrong = ["", '{"id":"1"}', "not JSON", 17];
    const liar = new Worker(name, () => Promise.resolve(wrong.pop()), {
      connection,
      prefix: "blip2-bench",
      concurrency: 1,
    });
    await until(() => wrong.length === 0, coordinator.child);
    await liar.close();
    const honest = work("--once");
    assert.equal(await ended(coordinator), 0, coordinator.err());
    await ended(honest);
    assert.match(coordinator.err(), /Window \d+: refused: found number, expected the lines of a journal/);
    await assertSame();
  });

  it("is stopped by SIGTERM after the windows at hand, and idle workers end when they were told to", async () => {
    const idle = start(["worker", ...question, "--idle-exit", "1s"]);
    assert.equal(await ended(idle), 0);
    assert.match(idle.err(), /No run with these flags is queued yet; waiting for one\.\n0 windows answered\./);
    const coordinator = coordinate();
    const worker = work();
    await answered(8, coordinator);
    worker.child.kill("SIGTERM");
    assert.equal(await ended(worker), 143);
    const next = work("--once");
    assert.equal(await ended(coordinator), 0);
    assert.equal(await ended(next), 0);
    await assertSame();
  });

  it(`has those bytes however often workers are killed: ${kills} kills`, async function () {
    if (kills === 0) return this.skip(); // npm run test:scale
    const coordinator = coordinate();
    let workers = [work(), work(), work()];
    for (let kill = 0; kill < kills && coordinator.child.exitCode === null; kill += 1) {
      await setTimeout(1500);
      const [victim, ...others] = workers;
      victim!.child.kill("SIGKILL");
      workers = [...others, work()];
    }
    assert.equal(await ended(coordinator), 0, coordinator.err());
    for (const { child } of workers) child.kill("SIGTERM");
    await assertSame();
  });

  it("is refused where Redis may forget windows, and with what cannot be queued", async () => {
    await redis.client.config("SET", "maxmemory-policy", "allkeys-lru");
    const coordinator = coordinate();
    assert.equal(await ended(coordinator), 2);
    assert.match(coordinator.err(), /found maxmemory-policy allkeys-lru, expected noeviction: it would drop windows/);
  });
});

describe("--queue", () => {
  const refused = async (expected: RegExp, words: readonly string[], env = {}): Promise<void> => {
    const { code, err } = await callCommand(temporaryFolder(), { words, env });
    assert.match(err, expected);
    assert.equal(code, 2);
  };
  const pair = ["--model", "shapes-opt-small", "--tasks", "vqav2"];

  it("takes an address from the environment only, and no other option that splits a run", async () => {
    await refused(/BLIP2_BENCH_REDIS: is not set, expected the address of a Redis/, ["run", ...pair, "--queue"]);
    await refused(/BLIP2_BENCH_REDIS: is not set/, ["worker", ...pair]);
    const env = { BLIP2_BENCH_REDIS: "redis://127.0.0.1:1" };
    await refused(
      /--queue: is another way than --shard/,
      ["run", ...pair, "--queue", "--shard", "0/2", "-o", "a"],
      env,
    );
    await refused(/--queue: --batch-size auto may find another/, ["run", ...pair, "--queue", "-b", "auto"], env);
    const itm = ["--model", "shapes-itm", "--tasks", "flickr30k-retrieval"];
    await refused(
      /flickr30k-retrieval: a ranking cannot be queued\. Split it with --shard\./,
      ["run", ...itm, "--queue"],
      env,
    );
    assert.equal((await inProcess(temporaryFolder(), "worker", "--help")).code, 0);
  });
});
