/**
 * A model that scores images with texts, in several processes: each embeds whole batches and matches the images that it
 * embedded, whose tokens it keeps. Where one dies, its successor first embeds that batch again, whole: in another batch
 * numbers could round differently.
 */
import type {
  FailedImage,
  ImageEmbedding,
  ImageFile,
  ImageTextScorer,
  Likelihoods,
  Matching,
} from "../../models/model.ts";
import type { TextTokens } from "../../models/text/text-batches.ts";
import type { ModelPlace } from "./model-service.ts";
import { ScorerProcess } from "./scorer-process.ts";
import { WorkerPool } from "./worker-pool.ts";
import type { WorkersOptions } from "./worker-pool.ts";

/** Images that were embedded together. */
interface Batch {
  readonly images: readonly ImageFile[];
  /** The worker whose process keeps them, and that process. */
  worker: number;
  process: ScorerProcess;
}

export class ScorerWorkers implements ImageTextScorer {
  readonly kind = "retrieval";
  readonly name: string;
  readonly weightsBytes?: number;
  readonly embedsAtOnce: number;
  readonly #pool: WorkerPool<ScorerProcess>;
  /** By image id. */
  readonly #batches = new Map<string, Batch>();
  #largestBatch = 1;

  private constructor(pool: WorkerPool<ScorerProcess>, { model }: ScorerProcess) {
    const { name, weightsBytes } = model;
    this.name = name;
    if (weightsBytes !== null) this.weightsBytes = weightsBytes;
    this.embedsAtOnce = pool.jobsAtOnce;
    this.#pool = pool;
  }

  static async start(
    places: readonly [ModelPlace, ...ModelPlace[]],
    options: WorkersOptions = {},
  ): Promise<ScorerWorkers> {
    const start = ScorerProcess.start.bind(ScorerProcess);
    const { pool, first } = await WorkerPool.start(start, places, options);
    return new ScorerWorkers(pool, first);
  }

  /** Neighbouring images are in one worker's batch, so all workers have work only where several batches are matched at a time. */
  get matchesAtOnce(): number {
    return this.embedsAtOnce * this.#largestBatch;
  }

  embedImages(images: readonly ImageFile[]): Promise<readonly (ImageEmbedding | FailedImage)[]> {
    this.#largestBatch = Math.max(this.#largestBatch, images.length);
    return this.#pool.ask(
      async (process, worker) => {
        const embedded = await process.embedImages(images);
        const batch = { images, worker, process };
        for (const { id } of images) this.#batches.set(id, batch);
        return embedded;
      },
      { whenLost: (error) => images.map(() => ({ status: "failed", error })) },
    );
  }

  readTexts(texts: readonly string[], options: { readonly maxTokens: number }): Promise<readonly TextTokens[]> {
    return this.#pool.ask((process) => process.readTexts(texts, options));
  }

  embedTexts(texts: readonly TextTokens[]): Promise<Float32Array> {
    return this.#pool.ask((process) => process.embedTexts(texts));
  }

  compare(images: readonly Float32Array[], texts: Float32Array): Promise<Float32Array> {
    return this.#pool.ask((process) => process.compare(images, texts));
  }

  match(image: ImageFile, texts: readonly TextTokens[]): Promise<Matching | FailedImage> {
    return this.#askWhereEmbedded(image, (process) => process.match(image, texts));
  }

  weighTexts(image: ImageFile, texts: readonly TextTokens[]): Promise<Likelihoods | FailedImage> {
    return this.#askWhereEmbedded(image, (process) => process.weighTexts(image, texts));
  }

  #askWhereEmbedded<Answer>(image: ImageFile, ask: (process: ScorerProcess) => Promise<Answer>): Promise<Answer> {
    const batch = this.#batches.get(image.id);
    return this.#pool.ask(
      async (process, worker) => {
        if (batch !== undefined && batch.process !== process) {
          Object.assign(batch, { worker, process }); // the next match of this batch waits in this process, behind the embedding
          await process.embedImages(batch.images);
        }
        return await ask(process);
      },
      { worker: batch?.worker },
    );
  }

  forget(images: readonly ImageFile[]): void {
    for (const image of images) {
      this.#batches.get(image.id)?.process.forget([image]);
      this.#batches.delete(image.id);
    }
  }

  get residentBytes(): number {
    return this.#pool.residentBytes;
  }

  release(): Promise<void> {
    return this.#pool.release();
  }
}
