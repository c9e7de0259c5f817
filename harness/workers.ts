/**
 * A model in several processes: each loads the checkpoint from the same files and answers whole batches. One that dies is
 * replaced and its batch asked once more; a batch that two have died over is failed, and the run goes on.
 */
import type {
  Batching,
  DecodingOptions,
  FailedGeneration,
  Generation,
  GenerationRequest,
  LanguageModelFamily,
  VisionLanguageModel,
} from "../models/model.ts";
import type { ModelPlace } from "./model-process/messages.ts";
import { ModelProcessError } from "./model-process/model-process-error.ts";
import { ModelProcess } from "./model-process/model-process.ts";
import type { ModelProcessOptions } from "./model-process/asked-process.ts";

export interface WorkersOptions extends ModelProcessOptions {
  /** Told of a worker that died, or could not be replaced. */
  readonly onMessage?: (message: string) => void;
}

type Answers = readonly (Generation | FailedGeneration)[];

interface Batch {
  readonly requests: readonly GenerationRequest[];
  readonly options: DecodingOptions;
  readonly batching: Batching | undefined;
  readonly resolve: (answers: Answers) => void;
  readonly reject: (error: unknown) => void;
  /** Workers that died over it. */
  deaths: number;
}

interface Worker {
  readonly label: string;
  readonly place: ModelPlace;
  /** null: it died, and another is on its way. */
  process: ModelProcess | null;
  /** Asked of it, in this order: the first is computed, the images of the second are read. */
  batches: Batch[];
}

const batchesAWorker = 2;

export class Workers implements VisionLanguageModel {
  readonly name: string;
  readonly family: LanguageModelFamily;
  /** Besides what the workers have, one each that is ready when another takes long. */
  readonly batchesAtOnce: number;
  readonly #options: WorkersOptions;
  #workers: readonly Worker[];
  #queue: Batch[] = [];
  #isReleased = false;

  private constructor(workers: readonly Worker[], model: ModelProcess, options: WorkersOptions) {
    this.name = model.name;
    this.family = model.family;
    this.batchesAtOnce = (batchesAWorker + 1) * workers.length;
    this.#workers = workers;
    this.#options = options;
  }

  /** A worker at each place. The first prepares the weights, where they are not in the cache yet; the others find them there. */
  static async start(places: readonly [ModelPlace, ...ModelPlace[]], options: WorkersOptions = {}): Promise<Workers> {
    const start = (place: ModelPlace, index: number): Promise<ModelProcess> =>
      ModelProcess.start(place, { ...options, label: `worker ${index + 1}` });
    const first = await start(places[0], 0);
    const others = await Promise.allSettled(places.slice(1).map((place, index) => start(place, index + 1)));
    const failed = others.find((other) => other.status === "rejected");
    if (failed !== undefined) {
      for (const each of others) if (each.status === "fulfilled") await each.value.kill();
      await first.kill();
      throw failed.reason;
    }
    const processes = [first, ...others.flatMap((other) => (other.status === "fulfilled" ? [other.value] : []))];
    const workers = places.map((place, index): Worker => {
      return { label: `worker ${index + 1}`, place, process: processes[index]!, batches: [] };
    });
    return new Workers(workers, first, options);
  }

  /** Each reads the images of its own batches while it computes the one before. */
  readAhead(): Promise<void> {
    return Promise.resolve();
  }

  generate(requests: readonly GenerationRequest[], options: DecodingOptions, batching?: Batching): Promise<Answers> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ requests, options, batching, resolve, reject, deaths: 0 });
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
      this.#workers.map(async ({ process, batches }) => {
        await (batches.length > 0 ? process?.kill() : process?.release());
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
    while (this.#queue.length > 0) {
      const [idlest] = this.#workers
        .filter(({ process, batches }) => process !== null && batches.length < batchesAWorker)
        .toSorted((a, b) => a.batches.length - b.batches.length);
      if (idlest === undefined) return;
      void this.#ask(idlest, this.#queue.shift()!);
    }
  }

  async #ask(worker: Worker, batch: Batch): Promise<void> {
    const process = worker.process!;
    worker.batches.push(batch);
    try {
      const answers = await process.generate(batch.requests, batch.options, batch.batching);
      worker.batches = worker.batches.filter((other) => other !== batch);
      batch.resolve(answers);
    } catch (error) {
      if (this.#isReleased || !(error instanceof ModelProcessError)) {
        worker.batches = worker.batches.filter((other) => other !== batch);
        batch.reject(error);
      } else if (worker.process === process) {
        await this.#replace(worker, error); // its other batches fail as well, and are in the queue by then
      }
    }
    this.#handOut();
  }

  /** A new process in the place of one that died; what was asked of it is asked again. */
  async #replace(worker: Worker, error: ModelProcessError): Promise<void> {
    const [over, ...waiting] = worker.batches;
    worker.batches = [];
    worker.process = null;
    this.#queue.unshift(...waiting);
    if (over !== undefined) this.#askAgain(over, error);
    this.#handOut();
    try {
      const started = await ModelProcess.start(worker.place, { ...this.#options, label: worker.label });
      if (this.#isReleased) await started.kill();
      else worker.process = started;
    } catch (reason) {
      const why = reason instanceof Error ? reason.message : String(reason);
      this.#options.onMessage?.(`${worker.label} cannot be replaced; the others go on: ${why}`);
      this.#workers = this.#workers.filter((other) => other !== worker);
    }
  }

  #askAgain(batch: Batch, error: ModelProcessError): void {
    batch.deaths += 1;
    if (batch.deaths === 1) {
      this.#options.onMessage?.(`${error.message}\nA new one is started and asked the same.`);
      this.#queue.unshift(batch);
      return;
    }
    this.#options.onMessage?.(`${error.message}\nIt is the second to end over these; they count as failed.`);
    const reason = `asked twice, and the process that was asked ${error.how}`;
    batch.resolve(batch.requests.map(() => ({ status: "failed", error: reason })));
  }
}

/** The threads of each worker: as many as can be, as evenly as can be, and at least one. */
export function splitThreads(threads: number, workers: number): readonly number[] {
  return Array.from({ length: workers }, (_, index) => {
    return Math.max(1, Math.floor(threads / workers) + (index < threads % workers ? 1 : 0));
  });
}

/** `2 workers x 1 thread`, for whoever watches. */
export function describeWorkers(threads: number, workers: number): string {
  const counts = [...new Set(splitThreads(threads, workers))].sort((a, b) => a - b);
  const plural = counts.at(-1) === 1 ? "thread" : "threads";
  return `${workers} workers x ${counts.join(" or ")} ${plural}`;
}
