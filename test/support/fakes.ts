/**
 * A model that answers at once, and the catalogue that offers it: for tests of what happens around a model. Its answers
 * depend on the prompt and on the batch it came in, so a batch that is asked in other company shows.
 */
import { join } from "node:path";
import type { Catalog } from "../../harness/catalog/catalog.ts";
import type { Batching, GenerationRequest, VisionLanguageModel } from "../../models/model.ts";
import { CheckpointError } from "../../models/model.ts";
import { vqav2 } from "../../tasks/vqav2.ts";
import { projectRoot } from "./project.ts";

export const bundledData = join(projectRoot, "datasets", "bundled");

const answers = ["yes", "no", "red", "2", "a circle"];

export interface FakeOptions {
  /** The thread is blocked for so long at every batch, as a real model blocks it. */
  readonly batchMs?: number;
  /** An answer that is none, for requests this is true of. */
  readonly isFailing?: (request: GenerationRequest) => boolean;
  readonly onBatch?: (requests: readonly GenerationRequest[], batching: Batching | undefined) => void;
}

export function fakeModel({ batchMs = 0, isFailing = () => false, onBatch }: FakeOptions = {}): VisionLanguageModel {
  return {
    kind: "generation",
    name: "fake",
    family: "opt",
    readAhead: () => Promise.resolve(),
    generate: (requests, _options, batching) => {
      onBatch?.(requests, batching);
      if (batchMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, batchMs);
      const sum = requests.reduce((total, { prompt }) => total + (prompt ?? "").length, 0);
      return Promise.resolve(
        requests.map((request, index) => {
          if (isFailing(request)) return { status: "failed", error: "cannot be read" } as const;
          const text = answers[(sum + index) % answers.length] ?? "";
          const latencyMs = { decode: performance.now() };
          return { status: "predicted", text: ` ${text}\n`, tokens: [sum, index], score: -1 / sum, latencyMs } as const;
        }),
      );
    },
    release: () => Promise.resolve(),
  };
}

/** `load` is called when the model is. Two checkpoints of it, "fake" and "fake-two"; any other is broken. */
export function fakeCatalog(load: () => Promise<VisionLanguageModel>): Catalog {
  return {
    tasks: [vqav2],
    checkpoints: ["fake", "fake-two"].map((name) => ({ name, kind: "generation", family: "opt", folder: name })),
    dataFolder: bundledData,
    bundledTasks: ["vqav2"],
    processEntry: join(projectRoot, "dist", "test", "support", "fake-model-process.js"),
    findCheckpoint: (where) => {
      if (!where.startsWith("fake")) return Promise.reject(new CheckpointError(`${where}: no config.json in it.`));
      return Promise.resolve({
        name: where,
        source: where,
        kind: "generation",
        family: "opt",
        fingerprint: `of ${where}`,
        load,
      });
    },
  };
}
