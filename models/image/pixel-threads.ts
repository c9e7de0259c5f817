/**
 * Decodes and resizes images in threads of their own: the thread the model computes in is not held up by the exact resize,
 * which is JavaScript. The pixels are those of image-processor.ts, whose code it is, and so are the errors.
 */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { ImageError } from "../model.ts";
import { StageClock } from "../stage-clock.ts";
import { imageLimits, readImageBytes } from "./image-processor.ts";
import type { ImageLimits, LoadedPixels, pixelsOf } from "./image-processor.ts";
import type { PixelResult, PixelWork } from "./pixel-thread.ts";
import type { PixelSettings } from "./preprocessor-config.ts";

export interface PixelOptions {
  /** Threads that decode and resize images beside the model; unset or 0: the model's own thread does it. */
  readonly imageThreads?: number;
  /** Width × height at most, whatever the sides; unset: imageLimits of image-processor.ts. */
  readonly maxPixels?: number;
}

interface Thread {
  readonly worker: Worker;
  /** Images it has, by number. */
  readonly waiting: Map<number, Waiting>;
}

interface Waiting {
  readonly settle: (result: PixelResult) => void;
  readonly refuse: (error: unknown) => void;
}

const entry = new URL(`./pixel-thread${extname(import.meta.url)}`, import.meta.url);

export class PixelThreads {
  readonly #count: number;
  readonly #limits: ImageLimits;
  #threads: Thread[] = [];
  #images = 0;

  /** Threads are started as they are needed, up to `count`. They keep no process alive. */
  constructor(count: number, limits = imageLimits) {
    if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`${count} image threads, expected 1 or more`);
    this.#count = count;
    this.#limits = limits;
  }

  /** As loadPixels of image-processor.ts. Throws ImageError. */
  async loadPixels(path: string, settings: PixelSettings): Promise<LoadedPixels> {
    const clock = new StageClock();
    const bytes = await clock.time("imageRead", () => readImageBytes(path));
    const values = await this.pixelsOf({ path, bytes }, settings, { clock });
    return { values, latencyMs: clock.shares(1) };
  }

  /** As pixelsOf of image-processor.ts, with its limits. Throws ImageError. */
  async pixelsOf(
    { path, bytes }: Parameters<typeof pixelsOf>[0],
    settings: PixelSettings,
    { clock }: { readonly clock: StageClock },
  ): Promise<Float32Array> {
    const thread = this.#idlest();
    const id = this.#images;
    this.#images += 1;
    const result = await new Promise<PixelResult>((settle, refuse) => {
      thread.waiting.set(id, { settle, refuse });
      thread.worker.ref(); // as long as somebody waits
      const work: PixelWork = { id, path, bytes: Uint8Array.from(bytes), settings, limits: this.#limits }; // a copy: it may lie in a shared pool
      thread.worker.postMessage(work, [work.bytes.buffer as ArrayBuffer]);
    });
    if (result.kind === "refused") throw new ImageError(result.message);
    if (result.kind === "broken") throw result.error;
    for (const [stage, ms] of Object.entries(result.latencyMs)) clock.add(stage, ms);
    return result.values;
  }

  /** Ends the threads; images that somebody waits for are refused. Another image starts new ones. */
  async release(): Promise<void> {
    const threads = this.#threads;
    this.#threads = [];
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #idlest(): Thread {
    const [idlest] = this.#threads.toSorted((a, b) => a.waiting.size - b.waiting.size);
    if (idlest !== undefined && (idlest.waiting.size === 0 || this.#threads.length === this.#count)) return idlest;
    const started = this.#start();
    this.#threads.push(started);
    return started;
  }

  #start(): Thread {
    const worker = new Worker(entry);
    const thread: Thread = { worker, waiting: new Map() };
    const end = (error: unknown): void => {
      this.#threads = this.#threads.filter((other) => other !== thread);
      for (const { refuse } of thread.waiting.values()) refuse(error);
      thread.waiting.clear();
    };
    worker.unref();
    worker.on("message", (result: PixelResult) => {
      thread.waiting.get(result.id)?.settle(result);
      thread.waiting.delete(result.id);
      if (thread.waiting.size === 0) worker.unref();
    });
    worker.on("error", end);
    worker.on("exit", () => {
      end(new Error("the thread that decodes images was ended"));
    });
    return thread;
  }
}
