/** A model that generates, in several processes: each answers whole batches. See worker-pool.ts. */
import type {
  Batching,
  CandidatesRequest,
  DecodingOptions,
  GenerationRequest,
  WriterFamily,
  VisionLanguageModel,
  WeighingBatching,
} from "../../models/model.ts";
import { GeneratorProcess } from "./generator-process.ts";
import type { Generations, Weighings } from "./generator-process.ts";
import type { ModelPlace } from "./model-service.ts";
import { WorkerPool } from "./worker-pool.ts";
import type { WorkersOptions } from "./worker-pool.ts";

export class GeneratorWorkers implements VisionLanguageModel {
  readonly kind = "generation";
  readonly name: string;
  readonly family: WriterFamily;
  readonly batchesAtOnce: number;
  readonly weightsBytes?: number;
  readonly #pool: WorkerPool<GeneratorProcess>;

  private constructor(pool: WorkerPool<GeneratorProcess>, { model, family }: GeneratorProcess) {
    const { name, weightsBytes } = model;
    this.name = name;
    this.family = family;
    this.batchesAtOnce = pool.jobsAtOnce;
    if (weightsBytes !== null) this.weightsBytes = weightsBytes;
    this.#pool = pool;
  }

  static async start(
    places: readonly [ModelPlace, ...ModelPlace[]],
    options: WorkersOptions = {},
  ): Promise<GeneratorWorkers> {
    const start = GeneratorProcess.start.bind(GeneratorProcess);
    const { pool, first } = await WorkerPool.start(start, places, options);
    return new GeneratorWorkers(pool, first);
  }

  /** Each reads the images of its own batches while it computes the one before. */
  readAhead(): Promise<void> {
    return Promise.resolve();
  }

  generate(
    requests: readonly GenerationRequest[],
    options: DecodingOptions,
    batching?: Batching,
  ): Promise<Generations> {
    return this.#pool.ask((process) => process.generate(requests, options, batching), {
      whenLost: (error) => requests.map(() => ({ status: "failed", error })),
    });
  }

  weigh(requests: readonly CandidatesRequest[], batching?: WeighingBatching): Promise<Weighings> {
    return this.#pool.ask((process) => process.weigh(requests, batching), {
      whenLost: (error) => requests.map(() => ({ status: "failed", error })),
    });
  }

  get residentBytes(): number {
    return this.#pool.residentBytes;
  }

  release(): Promise<void> {
    return this.#pool.release();
  }
}
