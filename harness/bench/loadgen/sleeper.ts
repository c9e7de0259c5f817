/** Sleeps in a thread, exact to a fraction of a millisecond and without computing; the event loop turns and takes answers. */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

const file = fileURLToPath(new URL(`./sleeper-thread${extname(import.meta.url)}`, import.meta.url));

/** So many waits are remembered: their latest stands for the 98th percentile and more. */
const remembered = 64;

export class Sleeper {
  readonly #thread: Worker;
  /** By how much the last waits came back late, nanoseconds, and how many there were. */
  readonly #lateNs = new Float64Array(remembered);
  #waits = 0;
  #isReady = false;
  #wake: (() => void) | null = null;
  /** Resolves when the thread has started, or has failed to, and timers stand in. */
  readonly ready: Promise<void>;

  constructor() {
    this.#thread = new Worker(file);
    this.#thread.on("message", () => {
      this.#thread.unref();
      this.#wakeUp();
    });
    this.ready = new Promise((resolve) => {
      this.#thread.once("online", () => {
        this.#thread.unref();
        this.#isReady = true;
        resolve();
      });
      this.#thread.on("error", () => {
        this.#isReady = false;
        this.#wakeUp();
        resolve();
      });
    });
  }

  /** Whether it can be asked now: it takes a moment to start, and sleeps for one at a time. */
  get isFree(): boolean {
    return this.#isReady && this.#wake === null;
  }

  /** The latest of the last waits, nanoseconds: a machine that has been idle is slow to wake, a busy one is not. */
  get lateNs(): number {
    return Math.max(...this.#lateNs);
  }

  /** Resolves at `timeNs`, a time of process.hrtime.bigint(). */
  sleepUntil(timeNs: bigint): Promise<void> {
    this.#thread.ref(); // a promise that is awaited keeps the process alive
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#lateNs[this.#waits % remembered] = Number(process.hrtime.bigint() - timeNs);
        this.#waits += 1;
        resolve();
      };
      this.#thread.postMessage(timeNs);
    });
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
