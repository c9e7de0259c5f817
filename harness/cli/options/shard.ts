/** The option --shard: which part of a run is asked here, as it is typed or as a scheduler's variables say. */
import * as z from "zod";
import { UsageError } from "../../catalog/usage-error.ts";
import { unexpected } from "../../catalog/values.ts";
import type { SchedulerTask } from "../../../reports/records/run-lock.ts";
import { single } from "./kinds.ts";
import type { Kind } from "./option.ts";

export interface ShardChoice {
  /** From 0; auto: the scheduler says. */
  readonly index: number | "auto";
  /** How many shards there are. */
  readonly of: number;
}

export const shard: Kind<ShardChoice> = single(z.string(), null, (typed, where) => {
  const [, index = "", count = ""] = /^(\d+|auto)\/(\d+)$/.exec(typed) ?? [];
  const of = Number(count);
  const isIn = index === "auto" || Number(index) < of;
  if (index !== "" && of >= 1 && Number.isSafeInteger(of) && isIn) {
    return { index: index === "auto" ? index : Number(index), of };
  }
  throw unexpected(where, typed, "i/n with i from 0 to n - 1, such as 0/4 to 3/4, or auto/4");
});

type Environment = Readonly<Record<string, string | undefined>>;

interface Scheduler {
  readonly name: string;
  /** The variable with the number of this task. */
  readonly variable: string;
  /** The number of the first task. */
  readonly first: number;
  /** What to write where the number is not below n. */
  readonly advice: (of: number) => string;
}

const schedulers: readonly Scheduler[] = [
  {
    name: "Slurm",
    variable: "SLURM_ARRAY_TASK_ID", // slurm.schedmd.com/job_array.html
    first: 0,
    advice: (of) => `Submit the array with sbatch --array=0-${of - 1}.`,
  },
  {
    name: "Kubernetes",
    variable: "JOB_COMPLETION_INDEX", // kubernetes.io/docs/concepts/workloads/controllers/job, completion mode
    first: 0,
    advice: (of) => `Give the Job "completions: ${of}".`,
  },
  {
    name: "GitLab",
    variable: "CI_NODE_INDEX", // docs.gitlab.com/ci/yaml/#parallel
    first: 1,
    advice: (of) => `Give the job "parallel: ${of}".`,
  },
];

/**
 * The number of the shard, from 0. How many there are is never taken from a scheduler: of a part of an array that is
 * submitted again it would be another number, and with it all windows would be dealt out anew. Throws a UsageError.
 */
export function shardIndex({ index, of }: ShardChoice, env: Environment): number {
  if (index !== "auto") return index;
  const found = schedulers.filter(({ variable }) => env[variable] !== undefined);
  const [scheduler, other] = found;
  if (scheduler === undefined) {
    const names = schedulers.map(({ name, variable }) => `${variable} (${name})`).join(", ");
    throw new UsageError(`--shard auto/${of}: found none of ${names}. Give the number of the shard: --shard 0/${of}.`);
  }
  if (other !== undefined) {
    const names = found.map(({ name, variable }) => `${variable} (${name})`).join(" and ");
    throw new UsageError(`--shard auto/${of}: found ${names}, expected one of them. Give the number: --shard 0/${of}.`);
  }
  const { variable, first, advice } = scheduler;
  const text = env[variable] ?? "";
  const number = /^\d+$/.test(text) ? Number(text) - first : -1;
  if (number >= 0 && number < of) return number;
  const expected = `${first} to ${of - 1 + first}`;
  throw new UsageError(`--shard auto/${of}: found ${variable}=${text}, expected ${expected}. ${advice(of)}`);
}

/**
 * The task of a scheduler that may be started again on another machine, for the lock of a run folder; null: none. Of
 * Kubernetes a manifest hands over the Job's uid as BLIP2_BENCH_JOB_UID.
 */
export function schedulerTask(env: Environment): SchedulerTask | null {
  const job = env["SLURM_ARRAY_JOB_ID"] ?? env["SLURM_JOB_ID"];
  if (job !== undefined) {
    const restarts = Number(env["SLURM_RESTART_COUNT"] ?? "0");
    return { id: `slurm:${job}_${env["SLURM_ARRAY_TASK_ID"] ?? "0"}`, restarts };
  }
  const uid = env["BLIP2_BENCH_JOB_UID"];
  if (uid !== undefined) return { id: `kubernetes:${uid}/${env["JOB_COMPLETION_INDEX"] ?? "0"}`, restarts: null };
  return null;
}
