/** Computes the checksum of a file while it is written, in a separate thread that follows the writing. */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Digest } from "./digest.ts";

const threadFile = fileURLToPath(new URL(`./digest-thread${extname(import.meta.url)}`, import.meta.url));

export interface DigestTask {
  readonly path: string;
  readonly algorithm: Digest["algorithm"];
  readonly sizeBytes: number;
}

export interface DigestRequest {
  /** The file is written from its start up to this byte. */
  readonly untilBytes: number;
}

export interface DigestReport {
  readonly doneBytes: number;
  /** The checksum, once the whole file is read; null before. */
  readonly hex: string | null;
}

/** Progress is sent to the thread after this many new bytes. */
const stepBytes = 4 << 20;

export class FollowingDigest {
  readonly #thread: Worker;
  readonly #sizeBytes: number;
  #toldBytes = 0;
  /** Resolves to the checksum once `advance` was called with the whole size. Rejects where the file cannot be read. */
  readonly hex: Promise<string>;

  /** Rejects where the file cannot be read; never resolves. */
  readonly failure: Promise<never>;

  constructor(task: DigestTask, onDone: (newBytes: number) => void) {
    this.#sizeBytes = task.sizeBytes;
    this.#thread = new Worker(threadFile, { workerData: task });
    let doneBytes = 0;
    this.hex = new Promise((resolve, reject) => {
      this.#thread.on("message", (report: DigestReport) => {
        onDone(report.doneBytes - doneBytes);
        doneBytes = report.doneBytes;
        if (report.hex !== null) resolve(report.hex);
      });
      this.#thread.on("error", reject);
      this.#thread.on("exit", () => {
        reject(new Error(`${task.path}: its checksum was given up`));
      });
    });
    this.hex.catch(() => undefined); // the error reaches those who await the promise
    this.failure = new Promise((_, reject) => {
      this.hex.catch(reject);
    });
    this.failure.catch(() => undefined);
    if (task.sizeBytes === 0) this.#tell(0);
  }

  /** The file is written from its start up to this byte. */
  advance(untilBytes: number): void {
    if (untilBytes === this.#sizeBytes || untilBytes - this.#toldBytes >= stepBytes) this.#tell(untilBytes);
  }

  #tell(untilBytes: number): void {
    this.#toldBytes = untilBytes;
    this.#thread.postMessage({ untilBytes } satisfies DigestRequest);
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }
}
