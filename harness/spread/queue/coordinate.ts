/**
 * The side of a queue that has the run folder: adds the windows that are missing, and takes their answers. Nothing that
 * Redis holds is needed: what is lost there is added again, and a coordinator that was killed goes on with the folder.
 */
import { setTimeout } from "node:timers/promises";
import type { Job, Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { Prediction, RunPlan } from "../../../reports/records/run-record.ts";
import { identityHash } from "../../../reports/records/run-record.ts";
import type { AnsweredWindow, Elsewhere } from "../../evaluation/elsewhere.ts";
import type { NumberedWindow } from "../../evaluation/shard.ts";
import { asRefusal, LostConnection } from "./lost-connection.ts";
import { MachineTally } from "./machine-tally.ts";
import { comparableFields, readAnswer } from "./messages.ts";
import type { QueueAnswer, SharedPlan, WindowJob } from "./messages.ts";
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
/** So often what Redis holds is compared with what is missing, and the plan is renewed. */
const compareMs = 1_000;
/** At the end workers get so long to leave; those that are later find no plan, and leave too. */
const leaveMs = 3_000;

export function answeredByQueue(coordinator: Coordinator): Elsewhere {
  return { answers: (windows, about) => answersOf(coordinator, windows, about) };
}

async function* answersOf(
  { place, mixedProcessors, workerCommand, onMessage }: Coordinator,
  windows: readonly NumberedWindow<{ readonly id: string }>[],
  { plan, windowsHash, machines, isStopped }: Parameters<Elsewhere["answers"]>[1],
): AsyncGenerator<AnsweredWindow> {
  const identity = identityHash(plan);
  const queue = await openQueue(place, identity);
  const redis = await openRedis(place);
  const lost = new LostConnection(onMessage);
  queue.on("error", lost.tell);
  redis.on("error", lost.tell);
  const open = new Map(windows.map((window) => [idOf(window.number), window]));
  const watch = new WorkerWatch(redis, { identity, workerCommand, onMessage });
  const tally = new MachineTally(machines, { plan, mixedProcessors, onMessage });
  const shared: SharedPlan = {
    windowsHash,
    mixedProcessors,
    fields: { ...comparableFields(plan) },
    beat: 0,
    isOver: false,
  };
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
        const answer = window === undefined ? null : await answerOf(job, window, { plan, tally });
        if (answer instanceof Error) {
          if (!refused.has(answer.message)) onMessage(`Window ${window?.number ?? ""}: refused: ${answer.message}`);
          refused.add(answer.message);
        } else if (answer !== null && window !== undefined) {
          yield { number: window.number, predictions: answer, machines: tally.machines, beside: watch.line };
          open.delete(job.id ?? ""); // its predictions are on disk when this goes on
          came += 1;
        }
        await job.remove().catch(() => undefined); // Redis was emptied meanwhile
      }
      if (performance.now() - comparedMs > compareMs) {
        comparedMs = performance.now();
        await leavePlan(redis, identity, { ...shared, beat: Math.floor(comparedMs) });
        await watch.look();
        const counts = await queue.getJobCounts("waiting", "active", "delayed", "completed", "failed", "prioritized");
        const held = Object.values(counts).reduce((sum, count) => sum + count, 0);
        if (held < open.size) await addWindows(queue, [...open.values()], { identity, windowsHash });
        lost.isBack();
      }
      if (came === 0) await setTimeout(pauseMs);
    }
    if (open.size > 0) return;
    await leavePlan(redis, identity, { ...shared, beat: Math.floor(performance.now()), isOver: true });
    await workersLeave(redis, identity);
    await removeQueue(queue, redis, identity);
  } catch (error) {
    throw asRefusal(error);
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
async function answerOf(
  job: Job,
  { samples }: NumberedWindow<{ readonly id: string }>,
  { plan, tally }: { readonly plan: RunPlan; readonly tally: MachineTally },
): Promise<readonly Prediction[] | Error> {
  if (await job.isFailed()) return failedWindow(job.failedReason, samples, plan);
  let answer: QueueAnswer;
  try {
    const ids = samples.map(({ id }) => id);
    answer = readAnswer(job.returnvalue, ids);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
  return tally.count(answer.worker) ?? answer.predictions;
}

/** A window that several workers died over, or could not answer, has failed: it is not split, since company changes bits. */
function failedWindow(
  reason: string,
  samples: readonly { readonly id: string; readonly image?: { readonly id: string } }[],
  { config }: RunPlan,
): readonly Prediction[] {
  const error = reason.startsWith("job stalled") // bullmq, moveStalledJobsToWait
    ? `${config.task}: three workers ended over this window`
    : `${config.task}: no worker could answer this window: ${reason}`;
  return samples.map(({ id, image }) => ({ id, status: "failed", image: image?.id ?? "", prompt: null, error }));
}

async function leavePlan(redis: Redis, identity: string, plan: SharedPlan): Promise<void> {
  await redis.hset(plansKey, identity, JSON.stringify(plan));
}

/** Comes back when every worker has seen that the run is over, or had the time to. */
async function workersLeave(redis: Redis, identity: string): Promise<void> {
  const endMs = performance.now() + leaveMs;
  while (performance.now() < endMs && (await redis.hlen(workersKey(identity))) > 0) await setTimeout(pauseMs);
}

async function removeQueue(queue: Queue, redis: Redis, identity: string): Promise<void> {
  await redis.hdel(plansKey, identity);
  await queue.obliterate({ force: true });
  await redis.del(workersKey(identity), roundingKey(identity));
}
