/** What a worker reads and writes in Redis besides windows: the plans that coordinators leave, and its own sign. */
import type { Redis } from "ioredis";
import type { RunPlan } from "../../../reports/records/run-record.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { planSchema } from "./messages.ts";
import type { SharedPlan, Sign } from "./messages.ts";
import { openRedis, parsedJson, plansKey, refuseEviction, roundingKey, workersKey } from "./redis.ts";
import type { RedisPlace } from "./redis.ts";

export class PlanBoard {
  readonly #redis: Redis;
  #beats = new Map<string, number>();
  #renewed: readonly SharedPlan[] = [];

  private constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Throws a UsageError where Redis may forget windows. */
  static async open(place: RedisPlace, onError: (error: Error) => void): Promise<PlanBoard> {
    const redis = await openRedis(place);
    redis.on("error", onError);
    try {
      await refuseEviction(redis);
      return new PlanBoard(redis);
    } catch (error) {
      redis.disconnect();
      throw error;
    }
  }

  /** By identity, those of finished runs included. What is no plan, or of another version, is left out. */
  async read(): Promise<ReadonlyMap<string, SharedPlan>> {
    const found = new Map<string, SharedPlan>();
    for (const [identity, text] of Object.entries(await this.#redis.hgetall(plansKey))) {
      const parsed = planSchema.safeParse(parsedJson(text));
      if (parsed.success) found.set(identity, parsed.data);
    }
    this.#renewed = [...found].flatMap(([identity, plan]) => {
      const before = this.#beats.get(identity);
      return before !== undefined && before !== plan.beat && !plan.isOver ? [plan] : [];
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

  async sign(identity: string, name: string, sign: Sign): Promise<void> {
    await this.#redis.hset(workersKey(identity), name, JSON.stringify(sign));
  }

  async leave(identity: string, name: string): Promise<void> {
    await this.#redis.hdel(workersKey(identity), name);
  }

  close(): void {
    this.#redis.disconnect();
  }
}
