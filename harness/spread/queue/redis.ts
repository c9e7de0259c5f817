/** The one door to BullMQ and Redis. Both are optional: they are loaded when a queue is asked for. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Queue, Worker, WorkerOptions } from "bullmq";
import type { Redis } from "ioredis";
import { UsageError } from "../../catalog/usage-error.ts";

/** Where Redis is. The address holds a password, so it is in no message and no file. */
export interface RedisPlace {
  /** redis://… or rediss://… */
  readonly url: string;
  /** File of the certificate authority for rediss://; null: the system's. */
  readonly caFile: string | null;
}

/** All keys begin with it, so that an ACL can be limited to them. */
export const keyPrefix = "blip2-bench";

/** A hash of plans by identity. */
export const plansKey = `${keyPrefix}:plans`;

/** A dead worker's windows begin elsewhere within 36 s, and a window that three workers died over has failed. */
const workerSettings = { lockDuration: 30_000, stalledInterval: 5_000, maxStalledCount: 2 } as const;

/** A lost connection is tried again for ever: a run outlives a restart of Redis. */
const retryMs = 500;

async function load<Package>(load: () => Promise<Package>): Promise<Package> {
  try {
    return await load();
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND")) throw cause;
    throw new UsageError("--queue and worker: need two packages that are not installed: npm install bullmq ioredis", {
      cause,
    });
  }
}

/** Throws a UsageError for an address that is none. */
function connectionOf({ url, caFile }: RedisPlace) {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new UsageError(
      "BLIP2_BENCH_REDIS: found no address, expected redis://host:6379 or rediss://user:password@host.",
    );
  }
  if (parsed.protocol !== "redis:" && parsed.protocol !== "rediss:") {
    throw new UsageError(`BLIP2_BENCH_REDIS: found ${parsed.protocol}//, expected redis:// or rediss://.`);
  }
  const database = Number(parsed.pathname.replace(/^\//, "") || "0");
  if (!Number.isInteger(database))
    throw new UsageError("BLIP2_BENCH_REDIS: expected a database by number, as in redis://host/1.");
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ""), // an IPv6 address stands in brackets
    port: Number(parsed.port || "6379"),
    db: database,
    ...(parsed.username !== "" && { username: decodeURIComponent(parsed.username) }),
    ...(parsed.password !== "" && { password: decodeURIComponent(parsed.password) }),
    ...(parsed.protocol === "rediss:" && { tls: caFile === null ? {} : { ca: readFileSync(caFile) } }),
    maxRetriesPerRequest: null,
    retryStrategy: () => retryMs,
  };
}

/** Why an address should not be used beyond this machine; null: nothing speaks against it. */
export function addressWarning({ url }: RedisPlace): string | null {
  const { hostname, password, protocol } = new URL(url);
  if (["localhost", "127.0.0.1", "[::1]"].includes(hostname)) return null;
  const without = [...(password === "" ? ["password"] : []), ...(protocol === "redis:" ? ["TLS (rediss://)"] : [])];
  if (without.length === 0) return null;
  return `BLIP2_BENCH_REDIS: no ${without.join(" and no ")}; who reaches that Redis can read and forge answers.`;
}

/** The queue of a run. A worker of another run has another queue. */
export function queueName(identity: string): string {
  return `run-${createHash("sha256").update(identity).digest("hex").slice(0, 32)}`;
}

export function workersKey(identity: string): string {
  return `${keyPrefix}:${queueName(identity)}:workers`;
}

/** A connection for what is no queue: plans and workers. */
export async function openRedis(place: RedisPlace): Promise<Redis> {
  const { Redis } = await load(() => import("ioredis"));
  return new Redis(connectionOf(place));
}

/** Holds how the first worker of a run rounds. */
export function roundingKey(identity: string): string {
  return `${keyPrefix}:${queueName(identity)}:rounding`;
}

export async function openQueue(place: RedisPlace, identity: string): Promise<Queue> {
  const { Queue } = await load(() => import("bullmq"));
  return new Queue(queueName(identity), {
    connection: connectionOf(place),
    prefix: keyPrefix,
    streams: { events: { maxLen: 100 } }, // they hold every result once more
    defaultJobOptions: { attempts: 2, removeOnComplete: false, removeOnFail: false, stackTraceLimit: 1 },
  });
}

export async function openWorker(
  place: RedisPlace,
  identity: string,
  { work, atOnce }: { readonly work: (data: unknown) => Promise<string>; readonly atOnce: number },
): Promise<Worker> {
  const { Worker } = await load(() => import("bullmq"));
  const options: WorkerOptions = {
    ...workerSettings,
    connection: connectionOf(place),
    prefix: keyPrefix,
    concurrency: atOnce,
  };
  return new Worker(queueName(identity), (job) => work(job.data), options);
}

/** What a key holds; null: it is no JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Throws a UsageError where Redis may forget keys: a queue that loses some of them waits for ever. */
export async function refuseEviction(redis: Redis): Promise<void> {
  const policy = /^maxmemory_policy:(\S+)/m.exec(await redis.info("memory"))?.[1] ?? "noeviction";
  if (policy === "noeviction") return;
  throw new UsageError(
    `BLIP2_BENCH_REDIS: found maxmemory-policy ${policy}, expected noeviction: it would drop windows that wait. ` +
      "Set it in redis.conf, or with: redis-cli config set maxmemory-policy noeviction",
  );
}
