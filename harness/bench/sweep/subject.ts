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

/** The answer to one sample of a batch. */
export interface BatchAnswer extends Omit<SampleAnswer, "id" | "timing"> {
  readonly stagesMs: Readonly<Record<string, number>>;
}

export interface TimedBatch {
  readonly answers: readonly BatchAnswer[];
  readonly stamps: Stamps;
}

/** Asks samples by their places in the library; the answers come in the order of `indices`. */
export type AskBatch = (indices: readonly number[]) => Promise<TimedBatch>;

export interface StartedModel {
  readonly process: Pick<ModelProcess<LoadService>, "name" | "pid" | "memory" | "loadMs" | "kill" | "release">;
  readonly ask: AskBatch;
  /** Milliseconds of reading the texts that images are ranked against; null: there are none. */
  readonly galleryMs: number | null;
}

/** For each answered sample its place in the library and its text; null where it failed. */
export type SampleTexts = readonly (readonly [index: number, text: string | null])[];

export interface Subject {
  /** Loads the checkpoint in a process of its own. */
  readonly start: (place: ModelPlace, options: ModelProcessOptions) => Promise<StartedModel>;
  /** The score by the task's first metric; null: nothing was answered. */
  readonly score: (outputs: SampleTexts) => BenchAccuracy["accuracy"];
}

/**
 * Gives each request's image an id of its own: images with one id would be encoded once for all requests about them, but by
 * LoadGen's rules nothing that is computed for one sample may be used for another.
 */
export function ownImages(): (image: ImageFile) => ImageFile {
  let requests = 0;
  return (image) => {
    requests += 1;
    return { ...image, id: `${image.id}#${requests}` };
  };
}
