/** Sleeps to a fraction of a millisecond without computing meanwhile, in a thread; the event loop turns and takes answers. */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

const file = fileURLToPath(new URL(`./sleeper-thread${extname(import.meta.url)}`, import.meta.url));

export class Sleeper {
  readonly #thread: Worker;
  #isReady = false;
  #wake: (() => void) | null = null;

  constructor() {
    this.#thread = new Worker(file);
    this.#thread.unref();
    this.#thread.once("online", () => {
      this.#isReady = true;
    });
    this.#thread.on("message", () => {
      this.#thread.unref();
      this.#wake?.();
      this.#wake = null;
    });
    this.#thread.on("error", () => {
      this.#isReady = false; // timers will do
      this.#wake?.();
      this.#wake = null;
    });
  }

  /** Whether it can be asked now: it takes a moment to start, and sleeps for one at a time. */
  get isFree(): boolean {
    return this.#isReady && this.#wake === null;
  }

  /** `timeNs`: by process.hrtime.bigint(). */
  sleepUntil(timeNs: bigint): Promise<void> {
    this.#thread.ref(); // whoever waits keeps the process alive
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#thread.postMessage(timeNs);
    });
  }
}
