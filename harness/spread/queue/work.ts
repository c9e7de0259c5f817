/**
 * The side of a queue that has a model: answers windows of a run whose plan is its own. What it computes is computed in
 * another process, so that this one always has time to renew its locks.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout } from "node:timers/promises";
import type { Worker } from "bullmq";
import type { Redis } from "ioredis";
import { identityHash } from "../../../reports/records/run-record.ts";
import type { RunPlan } from "../../../reports/records/run-record.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { AnswerableWindows } from "../../evaluation/elsewhere.ts";
import { windowsHash } from "../../evaluation/shard.ts";
import { answerText, comparableFields, differingPlan, jobSchema, planSchema } from "./messages.ts";
import type { SharedPlan, WorkerState } from "./messages.ts";
import { openRedis, openWorker, plansKey, roundingKey, workersKey } from "./redis.ts";
import type { RedisPlace } from "./redis.ts";

/** A run that this process can answer windows of. */
export interface WorkableRun {
  /** What it is called in messages. */
  readonly name: string;
  readonly plan: RunPlan;
  readonly answerable: AnswerableWindows;
}

export interface WorkOptions {
  readonly place: RedisPlace;
  /** Windows at a time: one is computed, the images of the next are read. */
  readonly atOnce: number;
  /** Whether it ends with the first run that is over. */
  readonly once: boolean;
  /** It ends when there was no run for so long; null: never. */
  readonly idleExitMs: number | null;
  readonly isStopped: () => boolean;
  readonly onMessage: (message: string) => void;
  readonly onNote: (message: string) => void;
}

const lookMs = 1_000;

/** Answers windows of these runs until it is to end; gives how many. Throws a UsageError where only other runs are queued. */
export async function workOn(runs: readonly WorkableRun[], options: WorkOptions): Promise<number> {
  const { place, once, idleExitMs, isStopped, onMessage, onNote } = options;
  const plans = await PlanBoard.open(place);
  let windows = 0;
  let idleMs = performance.now();
  let isIdleTold = false;
  try {
    while (!isStopped()) {
      const found = await plans.read();
      const run = runs.find(({ plan }) => found.has(identityHash(plan)));
      if (run !== undefined) {
        const shared = found.get(identityHash(run.plan))!;
        refuseOtherWindows(run, shared);
        onNote(`${run.name}: answering windows`);
        windows += await answerRun(run, plans, options);
        idleMs = performance.now();
        isIdleTold = false;
        if (once) break;
        continue;
      }
      const [other] = plans.renewed();
      if (other !== undefined) refuseOtherPlan(runs, other);
      if (idleExitMs !== null && performance.now() - idleMs > idleExitMs) break;
      if (!isIdleTold) onMessage("No run with these flags is queued yet; waiting for one.");
      isIdleTold = true;
      await setTimeout(lookMs);
    }
    return windows;
  } finally {
    plans.close();
  }
}

/** Answers windows of one run until it is over or this worker is stopped; gives how many. */
async function answerRun(
  { plan, answerable }: WorkableRun,
  plans: PlanBoard,
  { place, atOnce, isStopped, onMessage }: WorkOptions,
): Promise<number> {
  const identity = identityHash(plan);
  const hash = windowsHash(answerable.windows);
  const name = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  let state: WorkerState = {
    processor: plan.processor,
    startedAt: new Date().toISOString(),
    samples: 0,
    windows: 0,
    beat: 0,
  };
  const work = async (data: unknown): Promise<string> => {
    const job = jobSchema.parse(data);
    const { window } = job;
    if (job.identity !== identity || job.windowsHash !== hash || window >= answerable.windows.length) {
      throw new Error(`window ${window} is of another run`);
    }
    const predictions = await answerable.answer(window);
    state = { ...state, samples: state.samples + predictions.length, windows: state.windows + 1 };
    return answerText(predictions);
  };
  await plans.refuseOtherRounding(plan, identity);
  const worker = await openWorker(place, identity, { work, atOnce });
  worker.on("error", () => undefined); // a lost connection is tried again; a lost lock means that another has the window
  worker.on("failed", (job, error) => {
    onMessage(`Window ${job?.id ?? ""}: ${error.message}`);
  });
  try {
    while (!isStopped()) {
      state = { ...state, beat: state.beat + 1 };
      await plans.sign(identity, name, state);
      if (!(await plans.read()).has(identity)) break;
      await setTimeout(lookMs);
    }
    await worker.close(); // the windows at hand are answered first
    await plans.sign(identity, name, { ...state, beat: state.beat + 1 });
    return state.windows;
  } finally {
    await closeOnce(worker);
    await plans.leave(identity, name);
  }
}

async function closeOnce(worker: Worker): Promise<void> {
  if (worker.isRunning()) await worker.close(true);
}

function refuseOtherWindows({ name, answerable }: WorkableRun, { windowsHash: expected }: SharedPlan): void {
  const found = windowsHash(answerable.windows);
  if (found === expected) return;
  throw new UsageError(`${name}: its windows hold other samples: found SHA-256 ${found}, expected ${expected}.`);
}

function refuseOtherPlan(runs: readonly WorkableRun[], other: SharedPlan): never {
  const [nearest] = runs
    .map(({ name, plan }) => ({ name, fields: differingPlan(comparableFields(plan), other) }))
    .toSorted((a, b) => a.fields.length - b.fields.length);
  throw new UsageError(
    [
      `worker: the run that is queued is not ${nearest?.name ?? "known"} as it would be here:`,
      ...(nearest?.fields ?? []).map((line) => `  ${line}`),
      "Give the flags of the run, and the same code, data and packages; or wait for it elsewhere: redis://host:6379/1 is another database.",
    ].join("\n"),
  );
}

/** The plans that coordinators leave, and the workers that sign in. */
class PlanBoard {
  readonly #redis: Redis;
  #beats = new Map<string, number>();
  #renewed: readonly SharedPlan[] = [];

  private constructor(redis: Redis) {
    this.#redis = redis;
  }

  static async open(place: RedisPlace): Promise<PlanBoard> {
    const redis = await openRedis(place);
    redis.on("error", () => undefined); // it is tried again for ever
    return new PlanBoard(redis);
  }

  /** By identity. What is no plan, or of another version, is left out. */
  async read(): Promise<ReadonlyMap<string, SharedPlan>> {
    const found = new Map<string, SharedPlan>();
    for (const [identity, text] of Object.entries(await this.#redis.hgetall(plansKey))) {
      const parsed = planSchema.safeParse(JSON.parse(text));
      if (parsed.success) found.set(identity, parsed.data);
    }
    this.#renewed = [...found].flatMap(([identity, plan]) => {
      const before = this.#beats.get(identity);
      return before !== undefined && before !== plan.beat ? [plan] : [];
    });
    this.#beats = new Map([...found].map(([identity, { beat }]) => [identity, beat]));
    return found;
  }

  /** Plans that were renewed between the last two readings: their coordinators live. */
  renewed(): readonly SharedPlan[] {
    return this.#renewed;
  }

  /** Throws a UsageError where another worker rounds differently, and answers depend on it. */
  async refuseOtherRounding({ config, processor }: RunPlan, identity: string): Promise<void> {
    const own = processor.rounding ?? "not recorded";
    await this.#redis.set(roundingKey(identity), own, "NX");
    const first = await this.#redis.get(roundingKey(identity));
    const isMixed = (await this.read()).get(identity)?.mixedProcessors ?? true; // no plan: the run is over
    if (first === null || first === own || isMixed || config.precision === undefined) return;
    throw new UsageError(
      `worker: this machine rounds differently: found ${own}, expected ${first} as that of the first worker; in ` +
        `${config.precision} answers depend on it. Begin the run with --mixed-processors to take both.`,
    );
  }

  async sign(identity: string, name: string, state: WorkerState): Promise<void> {
    await this.#redis.hset(workersKey(identity), name, JSON.stringify(state));
  }

  async leave(identity: string, name: string): Promise<void> {
    await this.#redis.hdel(workersKey(identity), name);
  }

  close(): void {
    this.#redis.disconnect();
  }
}
