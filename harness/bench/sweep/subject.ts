/**
 * What a checkpoint is asked in a sweep, and what its answers are worth: the words between the load generator's side and the
 * two kinds of task, subject-generation.ts and subject-retrieval.ts.
 */
import type { ImageFile } from "../../../models/model.ts";
import type { BenchAccuracy } from "../../../reports/records/bench/bench-run.ts";
import type { Stamps } from "../../processes/messages.ts";
import type { ModelProcess, ModelProcessOptions } from "../../processes/model-process.ts";
import type { LoadService, ModelPlace } from "../../processes/model-service.ts";
import type { SampleAnswer } from "../loadgen/system-under-test.ts";

/** Of one sample. */
export interface BatchAnswer extends Omit<SampleAnswer, "id" | "timing"> {
  readonly stagesMs: Readonly<Record<string, number>>;
}

export interface AnsweredBatch {
  readonly answers: readonly BatchAnswer[];
  readonly stamps: Stamps;
}

/** By places in the library; the answers are in their order. */
export type AskBatch = (indices: readonly number[]) => Promise<AnsweredBatch>;

export interface StartedModel {
  readonly process: Pick<ModelProcess<LoadService>, "name" | "pid" | "memory" | "loadMs" | "kill" | "release">;
  readonly ask: AskBatch;
  /** Of reading the texts that images are ranked against; null: there are none. */
  readonly galleryMs: number | null;
}

/** Place in the library, and text; null where the sample failed. */
export type Outputs = readonly (readonly [index: number, text: string | null])[];

export interface Subject {
  /** Loads the checkpoint in a process of its own. */
  readonly start: (place: ModelPlace, options: ModelProcessOptions) => Promise<StartedModel>;
  /** By the task's first metric; null: nothing was answered. */
  readonly score: (outputs: Outputs) => BenchAccuracy["accuracy"];
}

/**
 * Gives each request's image an id of its own: images with one id would be encoded once for all requests about them, but by
 * LoadGen's rules nothing that is computed for one sample may be used for another.
 */
export function ownImages(): (image: ImageFile) => ImageFile {
  let requests = 0;
  return ({ id, path }) => {
    requests += 1;
    return { id: `${id}#${requests}`, path };
  };
}
