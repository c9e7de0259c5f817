/** The checksum of a file while it is written, in a thread of its own, a little behind the writing. */
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
  /** The file is written from its beginning up to here. */
  readonly untilBytes: number;
}

export interface DigestReport {
  readonly doneBytes: number;
  /** When all is done. */
  readonly hex: string | null;
}

/** It is told of so many new bytes at once. */
const stepBytes = 4 << 20;

export class FollowingDigest {
  readonly #thread: Worker;
  readonly #sizeBytes: number;
  #toldBytes = 0;
  /** The checksum, when `advance` has been told the whole size. Rejects where the file cannot be read. */
  readonly hex: Promise<string>;

  /** Never comes, or rejects where the file cannot be read. */
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
    this.hex.catch(() => undefined); // whoever waits for it hears of it
    this.failure = new Promise((_, reject) => {
      this.hex.catch(reject);
    });
    this.failure.catch(() => undefined);
    if (task.sizeBytes === 0) this.#tell(0);
  }

  /** The file is written from its beginning up to here. */
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
