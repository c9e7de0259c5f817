/**
 * The side of a queue that has a model: answers windows of runs whose plans are its own. What it computes is computed in
 * another process, so that this one always has time to renew its locks.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout } from "node:timers/promises";
import { identityHash } from "../../../reports/records/run-record.ts";
import type { RunPlan } from "../../../reports/records/run-record.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { AnswerableWindows } from "../../evaluation/elsewhere.ts";
import { windowsHash } from "../../evaluation/shard.ts";
import { asRefusal, LostConnection } from "./lost-connection.ts";
import { answerText, comparableFields, differingPlan, jobSchema } from "./messages.ts";
import type { QueueWorker, SharedPlan } from "./messages.ts";
import { PlanBoard } from "./plan-board.ts";
import { openWorker } from "./redis.ts";
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
  /** Whether it ends when the runs are over; see `onceMs`. */
  readonly once: boolean;
  /** It ends when there was nothing to answer for so long; null: never. */
  readonly idleExitMs: number | null;
  readonly isStopped: () => boolean;
  readonly onMessage: (message: string) => void;
  readonly onNote: (message: string) => void;
}

const lookMs = 1_000;
/** A plan that is gone for so long was not lost with a Redis that was emptied: its coordinator would have renewed it. */
const goneMs = 10_000;
/** The runs of a sweep follow each other: a worker of several that ends `once` waits so long for the next. */
const onceMs = 10_000;

/** Answers windows of these runs until it is to end; gives how many. Throws a UsageError where only other runs are queued. */
export async function workOn(runs: readonly WorkableRun[], options: WorkOptions): Promise<number> {
  const { place, once, idleExitMs, isStopped, onMessage, onNote } = options;
  const lost = new LostConnection(onMessage);
  const plans = await PlanBoard.open(place, lost.tell).catch((error: unknown) => {
    throw asRefusal(error);
  });
  const name = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`.replaceAll(/[^\w.-]/g, "-");
  let windows = 0;
  let idleMs = performance.now();
  let hasWorked = false;
  let isIdleTold = false;
  try {
    while (!isStopped()) {
      const found = await plans.read();
      lost.isBack();
      const run = runs.find(({ plan }) => found.get(identityHash(plan))?.isOver === false);
      if (run !== undefined) {
        refuseOtherWindows(run, found.get(identityHash(run.plan))!);
        onNote(`${run.name}: answering windows`);
        const served = await answerRun(run, plans, { ...options, name, lost });
        windows += served.windows;
        if (served.isIdle) break;
        idleMs = performance.now();
        hasWorked = true;
        isIdleTold = true; // between two runs it is no news
        continue;
      }
      const idleForMs = performance.now() - idleMs;
      if (once && hasWorked && (runs.length === 1 || idleForMs > onceMs)) break;
      const [other] = plans.renewed();
      if (other !== undefined && !hasWorked) refuseOtherPlan(runs, other);
      if (idleExitMs !== null && idleForMs > idleExitMs) break;
      if (!isIdleTold) onMessage("No run with these flags is queued yet; waiting for one.");
      isIdleTold = true;
      await setTimeout(lookMs);
    }
    return windows;
  } catch (error) {
    throw asRefusal(error);
  } finally {
    plans.close();
  }
}

interface Served {
  readonly windows: number;
  /** There was nothing to answer for as long as --idle-exit says. */
  readonly isIdle: boolean;
}

/** Answers windows of one run until it is over, nothing is left to do or this worker is stopped. */
async function answerRun(
  { plan, answerable }: WorkableRun,
  plans: PlanBoard,
  {
    place,
    atOnce,
    idleExitMs,
    isStopped,
    onMessage,
    name,
    lost,
  }: WorkOptions & { readonly name: string; readonly lost: LostConnection },
): Promise<Served> {
  const identity = identityHash(plan);
  const hash = windowsHash(answerable.windows);
  const self: QueueWorker = { name, processor: plan.processor, startedAt: new Date().toISOString() };
  const done = { windows: 0, samples: 0 };
  let atHand = 0;
  let busyMs = performance.now();
  const work = async (data: unknown): Promise<string> => {
    const job = jobSchema.safeParse(data);
    if (!job.success) throw new Error("found a job of another form, expected a window");
    const { window } = job.data;
    if (job.data.identity !== identity || job.data.windowsHash !== hash || window >= answerable.windows.length) {
      throw new Error(`window ${window} is of another run`);
    }
    atHand += 1;
    try {
      const predictions = await answerable.answer(window);
      done.windows += 1;
      done.samples += predictions.length;
      return answerText({ worker: self, predictions });
    } finally {
      atHand -= 1;
      busyMs = performance.now();
    }
  };
  await plans.refuseOtherRounding(plan, identity);
  const worker = await openWorker(place, identity, { work, atOnce });
  worker.on("error", lost.tell);
  worker.on("failed", (job, error) => {
    onMessage(`Window ${job?.id ?? ""}: ${error.message}`);
  });
  let seenMs = performance.now();
  let isIdle = false;
  try {
    for (let beat = 1; !isStopped() && !isIdle; beat += 1) {
      await plans.sign(identity, name, { samples: done.samples, beat });
      const shared = (await plans.read()).get(identity);
      lost.isBack();
      if (shared !== undefined) seenMs = performance.now();
      if (shared?.isOver === true || performance.now() - seenMs > goneMs) break;
      isIdle = idleExitMs !== null && atHand === 0 && performance.now() - busyMs > idleExitMs;
      await setTimeout(lookMs);
    }
    await worker.close(); // the windows at hand are answered first
    return { windows: done.windows, isIdle };
  } finally {
    await worker.close(true);
    await plans.leave(identity, name);
  }
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
      "Give the flags of the run, and the same code, data and packages. To work on another run beside it, give both another database: redis://host:6379/1.",
    ].join("\n"),
  );
}
