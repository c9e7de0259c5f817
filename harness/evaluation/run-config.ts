/** RunConfig: every choice of a run. What a user may give for each, and what it is where none is given, is in harness/cli/options/. */
import type { Precision } from "../../models/checkpoint/precision.ts";
import type { GenerationWay } from "../../models/generation/generation-way.ts";
import type { SchedulerTask } from "../../reports/records/run-lock.ts";
import type { LengthNorm } from "../../tasks/choices.ts";
import type { ProtocolName } from "../../tasks/task.ts";
import type { DeviceRequest } from "../catalog/device-request.ts";
import type { UnfetchedImages } from "../catalog/fetched-images.ts";
import type { TextSettings } from "../catalog/text-settings.ts";
import type { Elsewhere } from "./elsewhere.ts";
import type { Shard } from "./shard.ts";

export interface RunConfig {
  /** Bundled names, folders, or names in the Hugging Face cache. */
  readonly models: readonly string[];
  readonly tasks: readonly string[];
  /** Whether they were named; otherwise a model does those it can. */
  readonly areTasksNamed: boolean;
  /**
   * Absolute. One model on one task writes here, several into <model>/<task> below, or <model>/<precision>/<task> where there
   * are several precisions.
   */
  readonly output: string;
  /** Absolute, or the name of a mirror, see data-folder.ts; null is the data inside the package. */
  readonly data: string | null;
  /** Absolute; null is where the official archives put the images in `data`. */
  readonly images: string | null;
  /** Width × height of an image, at most; null: the usual limit. */
  readonly maxPixels: number | null;
  /** Of own data: columns by role; empty: all are found by their usual names. */
  readonly columns: Readonly<Record<string, string>>;
  /** Of own data: whether images may lie outside its folder. */
  readonly allowOutside: boolean;
  /** Of own data: images that --pull could not fetch by their addresses; unset: it was not given. */
  readonly unfetched?: UnfetchedImages;
  /** null: the data set's first. */
  readonly split: string | null;
  readonly protocol: ProtocolName;
  /** File with candidates for answers that are ranked, one a line; null: each sample's choices. */
  readonly candidates: string | null;
  /** Samples from the start of the split: a number from 1, or a fraction below 1; null is all. */
  readonly limit: number | null;
  /** auto: it is measured. */
  readonly batchSize: number | "auto";
  /** Bytes that batches may take beside the loaded model, where their size is measured; null: half of what is free. */
  readonly memoryBudget: number | null;
  readonly threads: number;
  /** What computes. */
  readonly device: DeviceRequest;
  /** Processes a model generates in, which share the threads; 1 is this one. */
  readonly workers: number;
  /** Threads of each process that decode and resize images; 0: the one that the model computes in. */
  readonly imageThreads: number;
  /** What each part of a model computes in: a run of its own for each. */
  readonly precisions: readonly Precision[];
  /** Samples whose first step is kept, for what precisions cost. */
  readonly firstSteps: number;
  /** Where the loop that generates runs. */
  readonly generation: GenerationWay;
  readonly overrides: Overrides;
  /** Column that standard errors group samples by; null: the task's, or the image. */
  readonly cluster: string | null;
  /** Prompts that are tried one after the other, each in a run of its own; empty: one, as `overrides` has it. */
  readonly prompts: readonly string[];
  /** The run stops when more samples than this have failed; null is never. */
  readonly maxErrors: number | null;
  /** Folder of what is kept between runs: converted weights, hashes. */
  readonly cache: string;
  /** Whether image features are kept there, too, and read from there. */
  readonly keepFeatures: boolean;
  readonly overwrite: boolean;
  /** The part of the run that this process asks; null: all of it. */
  readonly shard: Shard | null;
  /** Where windows are answered; null: in this process, or processes of its own. */
  readonly elsewhere: Elsewhere | null;
  /** Whether a model has a process of its own even where there is one worker, so that this one never stands still. */
  readonly isApart: boolean;
  /** The task of a scheduler that this process runs as; null: none. */
  readonly schedulerTask: SchedulerTask | null;
}

/** Choices of the protocol that a user replaces. */
export interface Overrides extends TextSettings {
  /** With {question} in it. */
  readonly prompt?: string;
  /** Answers are chosen among candidates by how likely they are; unset: they are generated. */
  readonly answers?: "ranked";
  /** What the log-probabilities of candidates are divided by; unset: nothing. */
  readonly lengthNorm?: Exclude<LengthNorm, "none">;
  /** Samples that a prompt shows, with their answers, before its own question. */
  readonly shots?: number;
  /** The split they are drawn from; unset: `train`. */
  readonly shotsFrom?: string;
  /** Unset: 0. */
  readonly shotsSeed?: number;
  /** Captions of their images stand before them. */
  readonly shotsCaptioned?: true;
  /** Candidates of a row that are matched again; 0 ranks by similarity alone. */
  readonly rerank?: number;
  /** Where CIDEr counts documents: "sample" is the scored images only. */
  readonly ciderDf?: "sample";
}

/** What checkpoints are found and loaded with. Without the others: in this process, by the usual loop, nothing kept. */
export type LoadChoices = Pick<RunConfig, "models" | "precisions" | "device" | "threads" | "maxPixels" | "cache"> &
  Partial<Pick<RunConfig, "workers" | "isApart" | "imageThreads" | "generation" | "keepFeatures">>;

export const defaultBatchSize = 8; // questions; five beams each fill two to sixteen cores, and the cache stays small
