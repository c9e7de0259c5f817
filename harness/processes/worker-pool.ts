/**
 * Several processes that hold one checkpoint, and the work that waits for them. A process that dies is replaced, and its work is
 * done once more; work that two processes died over is given up, and the others continue.
 */
import type { ModelProcess, ModelProcessOptions } from "./model-process.ts";
import type { LoadService, ModelPlace } from "./model-service.ts";
import { ModelProcessError } from "./model-process-error.ts";

type AnyModelProcess = Pick<ModelProcess<LoadService>, "name" | "memory" | "kill" | "release">;

export interface WorkersOptions extends ModelProcessOptions {
  /** Told of a worker that died, or could not be replaced. */
  readonly onMessage?: (message: string) => void;
}

export type StartProcess<Process> = (place: ModelPlace, options: ModelProcessOptions) => Promise<Process>;

export interface JobOptions<Value> {
  /** What it comes to when two workers have died over it; unset: the error of the second. */
  readonly whenLost?: (reason: string) => Value;
  /** The worker it is for, by number from 0, as long as that one can be had; unset: any. */
  readonly worker?: number | undefined;
}

interface Job<Process> {
  /** Settles the job; throws where the process ended over it. */
  readonly run: (process: Process, worker: number) => Promise<void>;
  readonly lose: (error: ModelProcessError) => void;
  readonly reject: (error: unknown) => void;
  readonly hasValueWhenLost: boolean;
  readonly worker: number | null;
  /** Workers that died over it. */
  deaths: number;
}

interface Worker<Process> {
  readonly number: number;
  readonly label: string;
  readonly place: ModelPlace;
  /** null: it died, and another is on its way. */
  process: Process | null;
  /** Asked of it, in this order: the first is computed, the images of the second are read. */
  jobs: Job<Process>[];
}

const jobsAWorker = 2;

export class WorkerPool<Process extends AnyModelProcess> {
  readonly name: string;
  /** Jobs it can make use of at a time: besides what the workers have, one each that is ready when another takes long. */
  readonly jobsAtOnce: number;
  readonly #start: StartProcess<Process>;
  readonly #options: WorkersOptions;
  #workers: readonly Worker<Process>[];
  #queue: Job<Process>[] = [];
  #isReleased = false;

  private constructor(
    workers: readonly Worker<Process>[],
    { name, start, options }: { name: string; start: StartProcess<Process>; options: WorkersOptions },
  ) {
    this.name = name;
    this.jobsAtOnce = (jobsAWorker + 1) * workers.length;
    this.#start = start;
    this.#options = options;
    this.#workers = workers;
  }

  /** A worker at each place. The first prepares the weights, where they are not in the cache yet; the others find them there. */
  static async start<Process extends AnyModelProcess>(
    start: StartProcess<Process>,
    places: readonly [ModelPlace, ...ModelPlace[]],
    options: WorkersOptions,
  ): Promise<{ readonly pool: WorkerPool<Process>; readonly first: Process }> {
    const startOne = (place: ModelPlace, index: number): Promise<Process> =>
      start(place, { ...options, label: `worker ${index + 1}` });
    const first = await startOne(places[0], 0);
    const others = await Promise.allSettled(places.slice(1).map((place, index) => startOne(place, index + 1)));
    const failed = others.find((other) => other.status === "rejected");
    if (failed !== undefined) {
      for (const each of others) if (each.status === "fulfilled") await each.value.kill();
      await first.kill();
      throw failed.reason;
    }
    const processes = [first, ...others.flatMap((other) => (other.status === "fulfilled" ? [other.value] : []))];
    const workers = places.map((place, number): Worker<Process> => {
      return { number, label: `worker ${number + 1}`, place, process: processes[number]!, jobs: [] };
    });
    return { pool: new WorkerPool(workers, { name: first.name, start, options }), first };
  }

  /** `work` is told the number of its worker; it is called again, with another process, where the first one dies. */
  ask<Value>(
    work: (process: Process, worker: number) => Promise<Value>,
    { whenLost, worker }: JobOptions<Value> = {},
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#queue.push({
        run: async (process, number) => {
          resolve(await work(process, number));
        },
        lose: (error) => {
          if (whenLost === undefined) reject(error);
          else resolve(whenLost(`asked twice, and the process that was asked ${error.how}`));
        },
        reject,
        hasValueWhenLost: whenLost !== undefined,
        worker: worker ?? null,
        deaths: 0,
      });
      this.#handOut();
    });
  }

  /** Resident bytes of all of them, as their last answers told. */
  get residentBytes(): number {
    return this.#workers.reduce((sum, { process }) => sum + (process?.memory.residentBytes ?? 0), 0);
  }

  /** Of those that are computing, the work is lost. */
  async release(): Promise<void> {
    this.#isReleased = true;
    await Promise.all(
      this.#workers.map(async ({ process, jobs }) => {
        await (jobs.length > 0 ? process?.kill() : process?.release());
      }),
    );
  }

  #handOut(): void {
    if (this.#workers.length === 0) {
      const error = new ModelProcessError(
        `${this.name}: no worker is left. Give it fewer --workers.`,
        "could not be replaced",
      );
      for (const { reject } of this.#queue.splice(0)) reject(error);
    }
    for (;;) {
      const free = this.#workers
        .filter(({ process, jobs }) => process !== null && jobs.length < jobsAWorker)
        .toSorted((a, b) => a.jobs.length - b.jobs.length);
      const numbers = new Set(this.#workers.map(({ number }) => number));
      /** Whether a job may go to a worker: to its own, or to any where that is gone. */
      const isFor = (job: Job<Process>, number: number): boolean =>
        job.worker === null || job.worker === number || !numbers.has(job.worker);
      const place = this.#queue.findIndex((job) => free.some(({ number }) => isFor(job, number)));
      if (place === -1) return;
      const [job] = this.#queue.splice(place, 1);
      const worker = free.find(({ number }) => isFor(job!, number));
      void this.#give(worker!, job!);
    }
  }

  async #give(worker: Worker<Process>, job: Job<Process>): Promise<void> {
    const process = worker.process!;
    worker.jobs.push(job);
    const done = (): void => {
      worker.jobs = worker.jobs.filter((other) => other !== job);
    };
    try {
      await job.run(process, worker.number);
      done();
    } catch (error) {
      if (this.#isReleased || !(error instanceof ModelProcessError)) {
        done();
        job.reject(error);
      } else if (worker.process === process) {
        await this.#replace(worker, error); // its other jobs fail as well, and are in the queue by then
      }
    }
    this.#handOut();
  }

  /** A new process in the place of one that died; what was asked of it is asked again. */
  async #replace(worker: Worker<Process>, error: ModelProcessError): Promise<void> {
    const [over, ...waiting] = worker.jobs;
    worker.jobs = [];
    worker.process = null;
    this.#queue.unshift(...waiting);
    if (over !== undefined) this.#askAgain(over, error);
    this.#handOut();
    try {
      const started = await this.#start(worker.place, { ...this.#options, label: worker.label });
      if (this.#isReleased) await started.kill();
      else worker.process = started;
    } catch (reason) {
      const why = reason instanceof Error ? reason.message : String(reason);
      this.#options.onMessage?.(`${worker.label} cannot be replaced; the others go on: ${why}`);
      this.#workers = this.#workers.filter((other) => other !== worker);
    }
  }

  #askAgain(job: Job<Process>, error: ModelProcessError): void {
    job.deaths += 1;
    if (job.deaths === 1) {
      this.#options.onMessage?.(`${error.message}\nA new one is started and asked the same.`);
      this.#queue.unshift(job);
      return;
    }
    if (job.hasValueWhenLost) {
      this.#options.onMessage?.(`${error.message}\nIt is the second to end over these; they count as failed.`);
    }
    job.lose(error);
  }
}

/** The threads of each worker: as many as can be, as evenly as can be, and at least one. */
export function splitThreads(threads: number, workers: number): readonly number[] {
  return Array.from({ length: workers }, (_, index) => {
    return Math.max(1, Math.floor(threads / workers) + (index < threads % workers ? 1 : 0));
  });
}

/** `2 workers x 1 thread`, for the terminal. */
export function describeWorkers(threads: number, workers: number): string {
  const counts = [...new Set(splitThreads(threads, workers))].sort((a, b) => a - b);
  const plural = counts.at(-1) === 1 ? "thread" : "threads";
  return `${workers} workers x ${counts.join(" or ")} ${plural}`;
}
