/** Options of runs whose windows are answered by workers, and the address of their queue. */
import { UsageError } from "../../catalog/usage-error.ts";
import type { RedisPlace } from "../../spread/queue/redis.ts";
import { duration } from "./kinds.ts";
import { optionsUnder } from "./option.ts";

const { option, toggle } = optionsUnder("What to run");

export const queue = toggle("--queue", "let workers answer, by the Redis at BLIP2_BENCH_REDIS; for generation");

export const mixedProcessors = toggle("--mixed-processors", "take answers of machines that round differently");

export const workerEnds = {
  once: toggle("--once", "end when the run is over"),
  idleExit: option("--idle-exit <time>", "end when no run was queued for so long", {
    kind: duration,
    usual: "never",
    otherwise: null,
  }),
};

/** From BLIP2_BENCH_REDIS and BLIP2_BENCH_REDIS_CA. Throws a UsageError where the first is not set. */
export function redisPlace(env: Readonly<Record<string, string | undefined>>): RedisPlace {
  const { BLIP2_BENCH_REDIS: url, BLIP2_BENCH_REDIS_CA: caFile = null } = env;
  if (url !== undefined && url !== "") return { url, caFile };
  throw new UsageError(
    "BLIP2_BENCH_REDIS: is not set, expected the address of a Redis, such as redis://localhost:6379.",
  );
}
