/** The workers of a queue, as the coordinator sees them: who is alive, how fast each is, and how many have died. */
import type { Redis } from "ioredis";
import { signSchema } from "./messages.ts";
import type { Sign } from "./messages.ts";
import { parsedJson, workersKey } from "./redis.ts";

/** A worker that has not renewed its sign for so long counts as dead; it does so every second. */
const silenceMs = 10_000;
const noWorkerMs = 30_000;
const rateMs = 60_000;
/** Rates of more workers than this are one sum in the line of progress. */
const shownRates = 4;

interface Seen {
  sign: Sign;
  /** When its beat last changed, by this machine's clock. */
  changedMs: number;
  isDead: boolean;
  /** Samples at moments of the last minute. */
  readonly past: { readonly ms: number; readonly samples: number }[];
}

interface About {
  readonly identity: string;
  readonly workerCommand: string;
  readonly onMessage: (message: string) => void;
}

export class WorkerWatch {
  readonly #redis: Redis;
  readonly #about: About;
  readonly #seen = new Map<string, Seen>();
  #deaths = 0;
  #aliveMs = performance.now();
  #isAloneTold = false;

  constructor(redis: Redis, about: About) {
    this.#redis = redis;
    this.#about = about;
  }

  /** For the line of progress: `3 workers (41 + 39 + 12 samples a second), 1 died`. */
  get line(): string {
    const alive = this.#alive();
    const rates = alive.map(({ past }) => ratePerSecond(past)).filter((rate) => rate !== null);
    const sum = rates.reduce((total, rate) => total + rate, 0);
    const shown = rates.length > shownRates ? [sum] : rates;
    const words = alive.length === 1 ? "1 worker" : `${alive.length} workers`;
    const speed =
      rates.length === 0 ? "" : ` (${shown.map((rate) => rate.toPrecision(2)).join(" + ")} samples a second)`;
    return `${words}${speed}${this.#deaths === 0 ? "" : `, ${this.#deaths} died`}`;
  }

  /** Reads the signs of all workers, and says who has died and that there is none. */
  async look(): Promise<void> {
    const now = performance.now();
    const found = await this.#redis.hgetall(workersKey(this.#about.identity));
    for (const [name, text] of Object.entries(found)) this.#note(name, text, now);
    for (const [name, seen] of this.#seen) {
      const isSilent = now - seen.changedMs > silenceMs;
      if (!seen.isDead && isSilent && name in found) {
        this.#deaths += 1;
        this.#about.onMessage(`Worker ${name} is silent; its windows begin again elsewhere.`);
      }
      if (isSilent) await this.#redis.hdel(workersKey(this.#about.identity), name);
      seen.isDead = isSilent || !(name in found); // those that ended have left
    }
    this.#tellAlone(now);
  }

  #alive(): readonly Seen[] {
    return [...this.#seen.values()].filter(({ isDead }) => !isDead);
  }

  #note(name: string, text: string, now: number): void {
    const parsed = signSchema.safeParse(parsedJson(text));
    if (!parsed.success) return; // of another version, which answers nothing here
    const sign = parsed.data;
    const before = this.#seen.get(name);
    const seen = before ?? { sign, changedMs: now, isDead: false, past: [] };
    if (seen.sign.beat !== sign.beat) seen.changedMs = now;
    seen.sign = sign;
    seen.past.push({ ms: now, samples: sign.samples });
    while (seen.past.length > 2 && now - seen.past[0]!.ms > rateMs) seen.past.shift();
    this.#seen.set(name, seen);
  }

  #tellAlone(now: number): void {
    if (this.#alive().length > 0) {
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
