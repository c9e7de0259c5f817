/**
 * The tasks and the checkpoints, by name. Lists are kept by hand: to add a task or a bundled checkpoint, add its line.
 * Whatever lies elsewhere is named by its folder, or by its name in the Hugging Face cache.
 */
import { join } from "node:path";
import { fp32Precision } from "../../models/checkpoint/precision.ts";
import { cpuDevice } from "../../models/device/device.ts";
import { roundingOf } from "../../models/device/rounding.ts";
import { openCheckpoint } from "../../models/checkpoint/checkpoint.ts";
import { featureBytes } from "../../models/features/feature-file.ts";
import { featureShape } from "../../models/features/image-tokens.ts";
import { loadGenerationCheckpoint } from "../../models/load-blip2.ts";
import type { LoadOptions } from "../../models/load-blip2.ts";
import { loadRetrievalCheckpoint } from "../../models/load-blip2-retrieval.ts";
import { loadWriterCheckpoint } from "../../models/load-writer.ts";
import type {
  CheckpointKind,
  ImageTextScorer,
  LanguageModelFamily,
  VisionLanguageModel,
  WriterFamily,
} from "../../models/model.ts";
import { cocoCaption } from "../../tasks/coco-caption.ts";
import { cocoRetrieval } from "../../tasks/coco-retrieval.ts";
import { flickr30kRetrieval } from "../../tasks/flickr30k-retrieval.ts";
import { gqa } from "../../tasks/gqa.ts";
import { nocaps } from "../../tasks/nocaps.ts";
import { okVqa } from "../../tasks/ok-vqa.ts";
import { ownCaption } from "../../tasks/own-caption.ts";
import { ownRetrieval } from "../../tasks/own-retrieval.ts";
import { ownVqa } from "../../tasks/own-vqa.ts";
import type { Task } from "../../tasks/task.ts";
import { vqav2 } from "../../tasks/vqav2.ts";
import { officialData } from "./official-data.ts";
import type { OfficialDataset } from "./official-data.ts";
import { packageFolder } from "./provenance.ts";

/** A checkpoint that was found and read, but for its weights. */
export type FoundCheckpoint = FoundGenerator | FoundScorer;

interface FoundFiles {
  readonly name: string;
  /** The folder or hub name it was found by, for the record. */
  readonly source: string;
  readonly fingerprint: string;
  /** What one image's features take on disk, where they are kept. */
  readonly featureBytes?: number;
  /** How this machine rounds in the checkpoint's precision, see roundingOf; unset: not known. */
  readonly rounding?: (instructions: readonly string[]) => Promise<string>;
}

/** It generates: with a language model, or by its Q-Former alone. */
export interface FoundGenerator extends FoundFiles {
  readonly kind: "generation";
  readonly family: WriterFamily;
  /** Of what writes; unset: not known. */
  readonly attentionHeads?: number;
  readonly load: () => Promise<VisionLanguageModel>;
}

/** What records and `ls` call the family of a checkpoint that has no language model: image-text matching. */
const noLanguageModel = "itm";

/** Without one: it says how well an image and a text go together. */
export interface FoundScorer extends FoundFiles {
  readonly kind: "retrieval";
  readonly family: typeof noLanguageModel;
  readonly load: () => Promise<ImageTextScorer>;
  /** Its Q-Former as what writes; unset: the checkpoint has no head for that. */
  readonly writer?: FoundGenerator;
}

export interface Catalog {
  readonly tasks: readonly Task[];
  readonly checkpoints: readonly BundledCheckpoint[];
  /** Data that is read where none is named, and the tasks that it is for. */
  readonly dataFolder: string;
  readonly bundledTasks: readonly string[];
  /** Where the official files of data sets are. */
  readonly officialData: readonly OfficialDataset[];
  /** The file that a model's own process runs, see ModelProcess; unset: that of a BLIP-2. */
  readonly processEntry?: string;
  /** The file that the process of a checkpoint runs which `try` serves, see CheckpointProcess; unset: that of a BLIP-2. */
  readonly tryEntry?: string;
  /** `where`: a folder, or a name in the Hugging Face cache. Throws a CheckpointError where it is not there or broken. */
  readonly findCheckpoint: (where: string, options: LoadOptions) => Promise<FoundCheckpoint>;
}

export interface BundledCheckpoint {
  readonly name: string;
  readonly folder: string;
  readonly kind: CheckpointKind;
  readonly family: LanguageModelFamily | typeof noLanguageModel;
  /** Whether its Q-Former writes captions, where it has no language model; unset: no. */
  readonly writes?: boolean;
}

export const bundledData = join(packageFolder, "datasets", "bundled");
export const bundledModels = join(packageFolder, "models", "bundled");

export const catalog: Catalog = {
  tasks: [vqav2, okVqa, gqa, cocoCaption, nocaps, flickr30kRetrieval, cocoRetrieval, ownVqa, ownCaption, ownRetrieval],
  checkpoints: [
    bundled("shapes-opt-small", "opt"),
    bundled("shapes-opt-base", "opt"),
    bundled("shapes-t5-small", "t5"),
    bundled("shapes-t5-base", "t5"),
    bundled("shapes-itm", noLanguageModel),
    { ...bundled("shapes-itg", noLanguageModel), writes: true },
  ],
  dataFolder: bundledData,
  bundledTasks: ["vqav2", "coco-caption", "flickr30k-retrieval", "coco-retrieval"],
  officialData,
  findCheckpoint,
};

function bundled(name: string, family: BundledCheckpoint["family"]): BundledCheckpoint {
  const kind = family === noLanguageModel ? "retrieval" : "generation";
  return { name, kind, family, folder: join(bundledModels, name) };
}

async function findCheckpoint(where: string, options: LoadOptions): Promise<FoundCheckpoint> {
  const checkpoint = await openCheckpoint(where, options);
  const { name, config, source } = checkpoint;
  const found = {
    name,
    source,
    fingerprint: await checkpoint.fingerprint(),
    rounding: (instructions: readonly string[]) =>
      roundingOf(options.precision ?? fp32Precision, { device: options.device ?? cpuDevice, instructions }),
    ...(options.keepFeatures === true && { featureBytes: featureBytes(featureShape(config.vision)) }),
  };
  if (config.kind === "retrieval") {
    return {
      ...found,
      kind: "retrieval",
      family: noLanguageModel,
      load: () => loadRetrievalCheckpoint(checkpoint, options),
      ...(config.qFormer.textHead && {
        writer: {
          ...found,
          kind: "generation",
          family: "itg",
          attentionHeads: config.qFormer.heads,
          load: () => loadWriterCheckpoint(checkpoint, options),
        },
      }),
    };
  }
  const { family, heads: attentionHeads } = config.text;
  return {
    ...found,
    kind: "generation",
    family,
    attentionHeads,
    load: () => loadGenerationCheckpoint(checkpoint, options),
  };
}
