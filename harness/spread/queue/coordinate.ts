/**
 * The side of a queue that has the run folder: adds the windows that are missing, and takes their answers. Nothing that
 * Redis holds is needed: what is lost there is added again, and a coordinator that was killed goes on with the folder.
 */
import type { Job, Queue } from "bullmq";
import type { Redis } from "ioredis";
import { setTimeout } from "node:timers/promises";
import type { Prediction, RunPlan } from "../../../reports/records/run-record.ts";
import { identityHash } from "../../../reports/records/run-record.ts";
import type { NumberedWindow } from "../../evaluation/shard.ts";
import type { AnsweredWindow, Elsewhere } from "../../evaluation/elsewhere.ts";
import { comparableFields, readAnswer } from "./messages.ts";
import type { SharedPlan, WindowJob } from "./messages.ts";
import { openQueue, openRedis, plansKey, refuseEviction, roundingKey, workersKey } from "./redis.ts";
import type { RedisPlace } from "./redis.ts";
import { WorkerWatch } from "./worker-watch.ts";

export interface Coordinator {
  readonly place: RedisPlace;
  readonly mixedProcessors: boolean;
  /** The command that begins a worker, for the message that there is none. */
  readonly workerCommand: string;
  /** What a user should know at once. */
  readonly onMessage: (message: string) => void;
}

const takenAtOnce = 32;
const pauseMs = 100;
/** So often, while nothing comes, what Redis holds is compared with what is missing. */
const compareMs = 1_000;

export function answeredByQueue(coordinator: Coordinator): Elsewhere {
  return {
    answers: (windows, about) => answersOf(coordinator, windows, about),
  };
}

async function* answersOf(
  { place, mixedProcessors, workerCommand, onMessage }: Coordinator,
  windows: readonly NumberedWindow<{ readonly id: string }>[],
  { plan, windowsHash, isStopped, onMachines }: Parameters<Elsewhere["answers"]>[1],
): AsyncGenerator<AnsweredWindow> {
  const identity = identityHash(plan);
  const queue = await openQueue(place, identity);
  const lost = new LostConnection(onMessage);
  const redis = await openRedis(place);
  queue.on("error", lost.tell);
  redis.on("error", lost.tell);
  const open = new Map(windows.map((window) => [idOf(window.number), window]));
  const watch = new WorkerWatch(redis, { identity, workerCommand, onMessage });
  const shared = sharedPlan(plan, { windowsHash, mixedProcessors });
  const refused = new Set<string>();
  try {
    await refuseEviction(redis);
    await leavePlan(redis, identity, shared);
    await addWindows(queue, [...open.values()], { identity, windowsHash });
    let comparedMs = performance.now();
    while (open.size > 0 && !isStopped()) {
      let came = 0;
      for (const job of await queue.getJobs(["completed", "failed"], 0, takenAtOnce - 1)) {
        const window = open.get(job.id ?? "");
        const predictions = window === undefined ? null : await predictionsOf(job, window, plan);
        if (predictions instanceof Error) {
          if (!refused.has(predictions.message))
            onMessage(`Window ${window?.number ?? ""}: refused: ${predictions.message}`);
          refused.add(predictions.message);
        } else if (predictions !== null) {
          yield { number: window!.number, predictions, beside: watch.line }; // on disk when this goes on
          open.delete(job.id ?? "");
          came += 1;
        }
        await job.remove().catch(() => undefined); // Redis was emptied meanwhile
      }
      if (performance.now() - comparedMs > compareMs) {
        comparedMs = performance.now();
        await leavePlan(redis, identity, { ...shared, beat: Math.floor(comparedMs) });
        onMachines(await watch.look(plan));
        const counts = await queue.getJobCounts("waiting", "active", "delayed", "completed", "failed", "prioritized");
        const held = Object.values(counts).reduce((sum, count) => sum + count, 0);
        if (held < open.size) await addWindows(queue, [...open.values()], { identity, windowsHash });
        lost.isBack();
      }
      if (came === 0) await setTimeout(pauseMs);
    }
    onMachines(await watch.look(plan));
    if (open.size === 0) await removeQueue(queue, redis, identity);
  } finally {
    await queue.close();
    redis.disconnect();
  }
}

function idOf(window: number): string {
  return `w${window}`; // an id must not be a number
}

/** Windows that wait already, or are being answered, are not added twice: their ids are known. */
async function addWindows(
  queue: Queue,
  windows: readonly NumberedWindow<unknown>[],
  { identity, windowsHash }: Omit<WindowJob, "window">,
): Promise<void> {
  await queue.addBulk(
    windows.map(({ number }) => {
      const data: WindowJob = { identity, windowsHash, window: number };
      return { name: "window", data, opts: { jobId: idOf(number) } };
    }),
  );
}

/** An Error: the answer is refused. */
async function predictionsOf(
  job: Job,
  { samples }: NumberedWindow<{ readonly id: string }>,
  plan: RunPlan,
): Promise<readonly Prediction[] | Error> {
  if (await job.isFailed()) return failedWindow(job.failedReason, samples, plan);
  try {
    return readAnswer(
      job.returnvalue,
      samples.map(({ id }) => id),
    );
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** A window that several workers died over, or could not answer, has failed: it is not split, since company changes bits. */
function failedWindow(
  reason: string,
  samples: readonly { readonly id: string; readonly image?: { readonly id: string } }[],
  { config }: RunPlan,
): readonly Prediction[] {
  const error = reason.startsWith("job stalled")
    ? `${config.task}: three workers ended over this window`
    : `${config.task}: no worker could answer this window: ${reason}`;
  return samples.map(({ id, image }) => ({ id, status: "failed", image: image?.id ?? "", prompt: null, error }));
}

function sharedPlan(plan: RunPlan, about: Pick<SharedPlan, "windowsHash" | "mixedProcessors">): SharedPlan {
  return { ...about, fields: { ...comparableFields(plan) }, beat: 0 };
}

async function leavePlan(redis: Redis, identity: string, plan: SharedPlan): Promise<void> {
  await redis.hset(plansKey, identity, JSON.stringify(plan));
}

async function removeQueue(queue: Queue, redis: Redis, identity: string): Promise<void> {
  await redis.hdel(plansKey, identity);
  await queue.obliterate({ force: true });
  await redis.del(workersKey(identity), roundingKey(identity));
}

/** Says once that Redis cannot be reached, and once that it can be again. */
class LostConnection {
  #isTold = false;
  readonly #onMessage: (message: string) => void;

  constructor(onMessage: (message: string) => void) {
    this.#onMessage = onMessage;
  }

  readonly tell = (error: Error): void => {
    if (this.#isTold) return;
    this.#isTold = true;
    const code = "code" in error ? String(error.code) : error.name;
    this.#onMessage(`Redis cannot be reached (${code}); it is tried again. All answers so far are kept.`);
  };

  isBack(): void {
    if (this.#isTold) this.#onMessage("Redis is there again.");
    this.#isTold = false;
  }
}
