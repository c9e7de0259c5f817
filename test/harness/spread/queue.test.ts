/**
 * A run whose windows workers answer, by BullMQ and Redis. The model is a fake, in a process of its own. A worker's windows
 * begin elsewhere half a minute after it was killed, so that only the long form kills workers: `npm run test:scale`.
 */
import assert from "node:assert/strict";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "bullmq";
import {
  callCommand,
  fakeBenchCommand,
  fakeCommand,
  fakeInProcess,
  inProcess,
  startProcess,
  until,
} from "../../support/command-process.ts";
import { rounds } from "../../support/long-form.ts";
import { redisPassword, skipWithoutRedis, startRedis } from "../../support/redis.ts";
import type { TestRedis } from "../../support/redis.ts";
import { answersOf } from "../../support/run-bytes.ts";
import type { RunRecord } from "../../../reports/records/run-record.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const question = ["--model", "fake", "--tasks", "vqav2", "--limit", "80", "--batch-size", "1"];
const kills = rounds({ short: 0, long: 50 });

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

  function start(command: string, words: readonly string[], batchMs: number): Started {
    const env = { BLIP2_BENCH_REDIS: redis.url, FAKE_BATCH_MS: String(batchMs) };
    const child = startProcess(folder, { command, words, env });
    let [err, out] = ["", ""];
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    return { child, err: () => err, out: () => out };
  }

  const coordinate = (): Started =>
    start(fakeCommand, ["run", ...question, "--queue", "--output", "queued", "--no-report"], 0);
  const workSlowly = (batchMs: number, ...more: string[]): Started =>
    start(fakeBenchCommand, ["worker", ...question, ...more], batchMs);
  const work = (...more: string[]): Started => workSlowly(60, ...more);
  const recorded = (): RunRecord => JSON.parse(readFileSync(join(folder, "queued", "run.json"), "utf8")) as RunRecord;

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

  /** Ids of the windows that nobody has begun. */
  async function waitingWindows(): Promise<string[]> {
    const [key = ""] = await redis.client.keys("blip2-bench:run-*:wait");
    return redis.client.lrange(key, 0, -1);
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
    const machines = recorded().machines ?? [];
    assert.ok(machines.length >= 1 && machines.length <= 2, "both workers, or the one that answered all");
    for (const { worker, windows, processor } of machines) {
      assert.ok(worker !== undefined && windows > 0);
      assert.ok(processor.platform.startsWith(process.platform));
    }
    assert.deepEqual(await redis.client.keys("*"), [], "nothing is left in Redis");
  });

  it("is answered in no other way by a worker with other flags, which ends with what differs", async () => {
    const coordinator = coordinate();
    let waiting: string[] = [];
    await until(() => coordinator.err().includes("0 of 80 samples"), coordinator.child);
    while (waiting.length === 0) waiting = await waitingWindows();
    const other = work("--beams", "2", "--prompt", "secret {question}");
    assert.equal(await ended(other), 2);
    assert.match(
      other.err(),
      /the run that is queued is not fake vqav2 as it would be here:\n[^]*config\.decoding\.beams: found 2, expected 5/,
    );
    assert.match(other.err(), /config\.overrides\.prompt: found SHA-256 \w{16}, expected none/);
    assert.deepEqual(await waitingWindows(), waiting, "no window was touched");
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
    assert.match(coordinator.err(), /Window \d+: refused: found number, expected the text of an answer/);
    await assertSame();
  });

  it("is stopped by SIGTERM after the windows at hand, and idle workers end when they were told to", async () => {
    const idle = work("--idle-exit", "1s");
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
    const slow = (): Started => workSlowly(1000);
    let workers = [slow(), slow(), slow()];
    let left = kills;
    let code: number | null = 3;
    // A window that three workers died over has failed; the run's command asks it again.
    while (code === 3) {
      const coordinator = coordinate();
      for (; left > 0 && coordinator.child.exitCode === null; left -= 1) {
        const [victim, ...others] = workers;
        const killed = answered(kills - left + 1, coordinator).catch(() => undefined); // or the run has ended
        await killed;
        victim!.child.kill("SIGKILL");
        workers = [...others, slow()];
      }
      code = await ended(coordinator);
    }
    assert.equal(code, 0);
    for (const { child } of workers) child.kill("SIGTERM");
    for (const worker of workers) await ended(worker);
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
