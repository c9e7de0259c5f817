/**
 * A run whose windows workers answer, by BullMQ and Redis. What is killed or stopped by a signal is a process; the others are
 * in this one. Workers have the fake model in a process of its own. The long form kills workers: `npm run test:scale`.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "bullmq";
import { main } from "../../../harness/cli/command.ts";
import { fakeCatalog, fakeModel } from "../../support/fakes.ts";
import {
  callCommand,
  environment,
  fakeBenchCommand,
  fakeCommand,
  fakeInProcess,
  inProcess,
  startProcess,
  until,
} from "../../support/command-process.ts";
import { rounds } from "../../support/long-form.ts";
import { projectRoot } from "../../support/project.ts";
import { paceVariable, quickPace } from "../../support/queue-pace.ts";
import { redisPassword, skipWithoutRedis, startRedis } from "../../support/redis.ts";
import type { TestRedis } from "../../support/redis.ts";
import { answersOf } from "../../support/run-bytes.ts";
import type { RunRecord } from "../../../reports/records/run-record.ts";
import { openWorker } from "../../../harness/spread/queue/redis.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const question = ["--model", "fake", "--tasks", "vqav2", "--limit", "80", "--batch-size", "1"];
const kills = rounds({ short: 0, long: 50 });
const batchMs = "20";
const workerCatalog = {
  ...fakeCatalog(() => Promise.resolve(fakeModel())),
  processEntry: join(projectRoot, "dist", "test", "support", "fake-bench-process.js"),
};

/** A command that was begun, in a process of its own or in this one. */
interface Begun {
  readonly err: () => string;
  /** As far as it has ended. */
  readonly state: { readonly exitCode: number | null; readonly signalCode: NodeJS.Signals | null };
  readonly ended: Promise<unknown>;
}

interface Started extends Begun {
  readonly kill: (signal: NodeJS.Signals) => void;
}

describe("a run whose windows are queued", () => {
  const batchMsBefore = process.env["FAKE_BATCH_MS"];
  before(skipWithoutRedis);
  before(() => {
    process.env["FAKE_BATCH_MS"] = batchMs; // for models of workers in this process
  });
  after(() => {
    if (batchMsBefore === undefined) delete process.env["FAKE_BATCH_MS"];
    else process.env["FAKE_BATCH_MS"] = batchMsBefore;
  });
  let folder = "";
  let redis: TestRedis;
  beforeEach(async () => {
    folder = temporaryFolder();
    redis = await startRedis();
  });
  afterEach(() => {
    redis.client.disconnect();
  });

  function start(command: string, words: readonly string[], { eachMs = batchMs, pace = quickPace } = {}): Started {
    const env = { BLIP2_BENCH_REDIS: redis.url, FAKE_BATCH_MS: eachMs, ...paceVariable(pace) };
    const child = startProcess(folder, { command, words, env });
    let err = "";
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.stdout.resume();
    return { state: child, err: () => err, ended: once(child, "exit"), kill: (signal) => void child.kill(signal) };
  }

  /** Without a working folder of its own: paths are whole. */
  function begin(words: readonly string[], offered = workerCatalog): Begun {
    let err = "";
    const state: { exitCode: number | null; readonly signalCode: null } = { exitCode: null, signalCode: null };
    const ended = main(words, offered, {
      stdout: { write: () => undefined },
      stderr: { write: (text) => (err += text) },
      env: environment(folder, { BLIP2_BENCH_REDIS: redis.url }),
      queuePace: quickPace,
    }).then((code) => (state.exitCode = code));
    return { state, err: () => err, ended };
  }

  const coordination = (words = question): string[] => {
    return ["run", ...words, "--queue", "--output", join(folder, "queued"), "--no-report"];
  };
  const coordinate = (): Begun => begin(coordination());
  const startCoordinator = (): Started => start(fakeCommand, coordination());
  const startWorker = (...more: string[]): Started => start(fakeBenchCommand, ["worker", ...question, ...more]);
  const work = (...more: string[]): Begun => begin(["worker", ...question, ...more]);
  const recorded = (): RunRecord => JSON.parse(readFileSync(join(folder, "queued", "run.json"), "utf8")) as RunRecord;

  async function codeOf({ state, ended, err }: Begun): Promise<number | null> {
    await ended;
    assert.doesNotMatch(err(), new RegExp(redisPassword));
    return state.exitCode;
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

  async function answered(lines: number, { state }: Begun): Promise<void> {
    const journal = join(folder, "queued", "predictions.jsonl");
    await until(() => existsSync(journal) && readFileSync(journal, "utf8").split("\n").length > lines, state);
  }

  it("has the bytes of a run of one process: two workers, a coordinator that is killed, a Redis that is emptied", async () => {
    const first = startCoordinator();
    const workers = [startWorker("--once"), work("--once")];
    await answered(8, first);
    first.kill("SIGKILL");
    await first.ended;
    const second = coordinate();
    await answered(20, second);
    await redis.client.flushall();
    assert.equal(await codeOf(second), 0, second.err());
    for (const worker of workers) assert.equal(await codeOf(worker), 0, worker.err());
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
    const coordinator = startCoordinator();
    let waiting: string[] = [];
    await until(() => coordinator.err().includes("0 of 80 samples"), coordinator.state);
    while (waiting.length === 0) waiting = await waitingWindows();
    const other = work("--beams", "2", "--prompt", "secret {question}");
    assert.equal(await codeOf(other), 2);
    assert.match(
      other.err(),
      /the run that is queued is not fake vqav2 as it would be here:\n[^]*config\.decoding\.beams: found 2, expected 5/,
    );
    assert.match(other.err(), /config\.overrides\.prompt: found SHA-256 \w{16}, expected none/);
    assert.deepEqual(await waitingWindows(), waiting, "no window was touched");
    coordinator.kill("SIGTERM");
    assert.equal(await codeOf(coordinator), 143);
    assert.match(coordinator.err(), /Interrupted: 0 of 80 samples are kept/);
  });

  it("takes nothing that is no answer to the window, and says so once", async () => {
    const coordinator = coordinate();
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
    await until(() => wrong.length === 0, coordinator.state);
    await liar.close();
    const honest = work("--once");
    assert.equal(await codeOf(coordinator), 0, coordinator.err());
    await codeOf(honest);
    assert.match(coordinator.err(), /Window \d+: refused: found number, expected the text of an answer/);
    await assertSame();
  });

  it("is stopped by SIGTERM after the windows at hand, and idle workers end when they were told to", async () => {
    const idle = work("--idle-exit", "100ms");
    assert.equal(await codeOf(idle), 0);
    assert.match(idle.err(), /No run with these flags is queued yet; waiting for one\.\n0 windows answered\./);
    const coordinator = coordinate();
    const worker = startWorker();
    await answered(8, coordinator);
    worker.kill("SIGTERM");
    assert.equal(await codeOf(worker), 143);
    const next = work("--once");
    assert.equal(await codeOf(coordinator), 0);
    assert.equal(await codeOf(next), 0);
    await assertSame();
  });

  it("has failed in a window that three workers ended over, and says so", async () => {
    const coordinator = begin(coordination([...question, "--limit", "1"]));
    let identities: string[] = [];
    while (identities.length === 0) identities = await redis.client.hkeys("blip2-bench:plans");
    const place = { url: redis.url, caFile: null, pace: { ...quickPace, lockMs: 50 } };
    for (let death = 1; death <= 3; death += 1) {
      let hasBegun = false;
      const work = (): Promise<string> => {
        hasBegun = true;
        return new Promise(() => undefined);
      };
      const dying = await openWorker(place, identities[0]!, { work, atOnce: 1 });
      dying.on("error", () => undefined); // of its lock
      await until(() => hasBegun, coordinator.state);
      await dying.close(true);
    }
    const last = begin(["worker", ...question, "--limit", "1", "--once"]);
    assert.equal(await codeOf(coordinator), 3, coordinator.err());
    assert.equal(await codeOf(last), 0, last.err());
    const journal = readFileSync(join(folder, "queued", "predictions.jsonl"), "utf8");
    assert.match(journal, /"error":"vqav2: three workers ended over this window"/);
  });

  it(`has those bytes however often workers are killed: ${kills} kills`, async function () {
    if (kills === 0) return this.skip(); // npm run test:scale
    const pace = { ...quickPace, lockMs: 3_000, stalledMs: 1_000 };
    const slow = (): Started => start(fakeBenchCommand, ["worker", ...question], { eachMs: "1000", pace });
    let workers = [slow(), slow(), slow()];
    let left = kills;
    let code: number | null = 3;
    // A window that three workers died over has failed; the run's command asks it again.
    while (code === 3) {
      const coordinator = coordinate();
      for (; left > 0 && coordinator.state.exitCode === null; left -= 1) {
        const [victim, ...others] = workers;
        await answered(kills - left + 1, coordinator).catch(() => undefined); // or the run has ended
        victim!.kill("SIGKILL");
        workers = [...others, slow()];
      }
      code = await codeOf(coordinator);
    }
    assert.equal(code, 0);
    assert.equal(left, 0, "kills that were not made");
    for (const worker of workers) worker.kill("SIGTERM");
    for (const worker of workers) await codeOf(worker);
    await assertSame();
  });

  it("is refused where Redis may forget windows", async () => {
    await redis.client.config("SET", "maxmemory-policy", "allkeys-lru");
    for (const begun of [coordinate(), work()]) {
      assert.equal(await codeOf(begun), 2);
      assert.match(begun.err(), /found maxmemory-policy allkeys-lru, expected noeviction: it would drop windows/);
    }
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
