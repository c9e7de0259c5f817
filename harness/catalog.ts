/**
 * The tasks and the checkpoints, by name. Lists are kept by hand: to add a task or a bundled checkpoint, add its line.
 * Whatever lies elsewhere is named by its folder, or by its name in the Hugging Face cache.
 */
import { join } from "node:path";
import type { Sample } from "../datasets/dataset.ts";
import { openCheckpoint } from "../models/checkpoint.ts";
import { loadCheckpoint } from "../models/load-blip2.ts";
import type { LoadOptions } from "../models/load-blip2.ts";
import { CheckpointError } from "../models/model.ts";
import type { LanguageModelFamily, VisionLanguageModel } from "../models/model.ts";
import type { GenerationTask } from "../tasks/task.ts";
import { vqav2 } from "../tasks/vqav2.ts";
import { packageFolder } from "./provenance.ts";

/** A checkpoint that was found and read, but for its weights. */
export interface FoundCheckpoint {
  readonly name: string;
  /** The folder or hub name it was found by, for the record. */
  readonly source: string;
  readonly family: LanguageModelFamily;
  readonly fingerprint: string;
  readonly load: () => Promise<VisionLanguageModel>;
}

export interface Catalog {
  readonly tasks: readonly GenerationTask<Sample>[];
  readonly checkpoints: readonly BundledCheckpoint[];
  /** Data that is read where none is named. */
  readonly dataFolder: string;
  /** `where`: a folder, or a name in the Hugging Face cache. Throws a CheckpointError where it is not there or broken. */
  readonly findCheckpoint: (where: string, options: LoadOptions) => Promise<FoundCheckpoint>;
}

export interface BundledCheckpoint {
  readonly name: string;
  readonly folder: string;
  readonly family: LanguageModelFamily;
}

export const bundledData = join(packageFolder, "datasets", "bundled");
export const bundledModels = join(packageFolder, "models", "bundled");

export const catalog: Catalog = {
  tasks: [vqav2],
  checkpoints: [bundled("shapes-opt-small", "opt"), bundled("shapes-opt-base", "opt")],
  dataFolder: bundledData,
  findCheckpoint,
};

function bundled(name: string, family: LanguageModelFamily): BundledCheckpoint {
  return { name, family, folder: join(bundledModels, name) };
}

async function findCheckpoint(where: string, options: LoadOptions): Promise<FoundCheckpoint> {
  const checkpoint = await openCheckpoint(where, options);
  const { name, config, revision, folder } = checkpoint;
  if (config.kind !== "generation") {
    throw new CheckpointError(`${name}: a checkpoint for image-text retrieval, which generates no text.`);
  }
  return {
    name,
    source: revision === null ? folder : `${where} at ${revision}`,
    family: config.text.family,
    fingerprint: await checkpoint.fingerprint(),
    load: () => loadCheckpoint(checkpoint, options),
  };
}
