/** The workers of a queue, as the coordinator sees them: who is alive, how fast each is, and how many have died. */
import type { Redis } from "ioredis";
import type { RecordedMachine, RunPlan } from "../../../reports/records/run-record.ts";
import { workerSchema } from "./messages.ts";
import type { WorkerState } from "./messages.ts";
import { workersKey } from "./redis.ts";

/** A worker that has not renewed its state for so long counts as dead; it does so every second. */
const silenceMs = 10_000;
const noWorkerMs = 30_000;
const rateMs = 60_000;

interface Seen {
  state: WorkerState;
  /** When its beat last changed, by this machine's clock. */
  changedMs: number;
  isDead: boolean;
  /** Samples at moments of the last minute. */
  readonly past: { readonly ms: number; readonly samples: number }[];
}

export class WorkerWatch {
  readonly #redis: Redis;
  readonly #about: { readonly identity: string; readonly workerCommand: string; onMessage: (message: string) => void };
  readonly #seen = new Map<string, Seen>();
  #deaths = 0;
  #aliveMs = performance.now();
  #isAloneTold = false;
  #rounding: string | null = null;
  #isMixTold = false;

  constructor(
    redis: Redis,
    about: { readonly identity: string; readonly workerCommand: string; onMessage: (message: string) => void },
  ) {
    this.#redis = redis;
    this.#about = about;
  }

  /** For the line of progress: `3 workers (41 + 39 + 12 samples a second), 1 died`. */
  get line(): string {
    const alive = [...this.#seen.values()].filter(({ isDead }) => !isDead);
    const rates = alive.map(({ past }) => ratePerSecond(past));
    const known = rates.filter((rate) => rate !== null).map((rate) => rate.toPrecision(2));
    const words = alive.length === 1 ? "1 worker" : `${alive.length} workers`;
    const speed = known.length === 0 ? "" : ` (${known.join(" + ")} a second)`;
    return `${words}${speed}${this.#deaths === 0 ? "" : `, ${this.#deaths} died`}`;
  }

  /** Reads what the workers say. Gives the machine of each that ever answered a window. */
  async look({ device }: RunPlan): Promise<readonly RecordedMachine[]> {
    const now = performance.now();
    const found = await this.#redis.hgetall(workersKey(this.#about.identity));
    for (const [name, text] of Object.entries(found)) this.#note(name, text, now);
    for (const [name, seen] of this.#seen) {
      const isGone = !(name in found);
      if (!seen.isDead && !isGone && now - seen.changedMs > silenceMs) {
        this.#deaths += 1;
        await this.#redis.hdel(workersKey(this.#about.identity), name);
        this.#about.onMessage(`Worker ${name} has died; its windows begin again elsewhere.`);
      }
      if (isGone || now - seen.changedMs > silenceMs) seen.isDead = true;
    }
    this.#tellAlone(now);
    return [...this.#seen]
      .filter(([, { state }]) => state.windows > 0)
      .map(([name, { state }]) => {
        const { processor, windows, startedAt } = state;
        return { name, windows, processor, ...(device !== undefined && { device }), startedAt, finishedAt: null };
      });
  }

  #note(name: string, text: string, now: number): void {
    const parsed = workerSchema.safeParse(JSON.parse(text));
    if (!parsed.success) return; // of another version, which answers nothing here
    const state = parsed.data;
    const before = this.#seen.get(name);
    const seen = before ?? { state, changedMs: now, isDead: false, past: [] };
    if (before !== undefined && before.state.beat !== state.beat) {
      seen.changedMs = now;
      seen.isDead = false;
    }
    seen.state = state;
    seen.past.push({ ms: now, samples: state.samples });
    while (seen.past.length > 2 && now - seen.past[0]!.ms > rateMs) seen.past.shift();
    this.#seen.set(name, seen);
    this.#tellMix(state.processor.rounding ?? "not recorded");
  }

  #tellMix(rounding: string): void {
    this.#rounding ??= rounding;
    if (rounding === this.#rounding || this.#isMixTold) return;
    this.#isMixTold = true;
    this.#about.onMessage("The workers' machines round differently; the last bits of scores depend on which answers.");
  }

  #tellAlone(now: number): void {
    if ([...this.#seen.values()].some(({ isDead }) => !isDead)) {
      this.#aliveMs = now;
      this.#isAloneTold = false;
    } else if (now - this.#aliveMs > noWorkerMs && !this.#isAloneTold) {
      this.#isAloneTold = true;
      this.#about.onMessage(
        `No worker has come for ${noWorkerMs / 1000} s. Begin one, with the same BLIP2_BENCH_REDIS:\n  ${this.#about.workerCommand}`,
      );
    }
  }
}

function ratePerSecond(past: Seen["past"]): number | null {
  const [first, last] = [past[0], past.at(-1)];
  if (first === undefined || last === undefined || last.ms - first.ms < 1000) return null;
  return (1000 * (last.samples - first.samples)) / (last.ms - first.ms);
}
