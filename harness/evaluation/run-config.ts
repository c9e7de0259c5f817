/**
 * RunConfig: every choice of a run, with its default; checked once, then frozen. Flags come as they were typed, so that a
 * message can quote them.
 */
import { resolve } from "node:path";
import { describePrecision, fp32Precision, parsePrecision } from "../../models/checkpoint/precision.ts";
import type { Precision } from "../../models/checkpoint/precision.ts";
import { generationWays } from "../../models/generation/generation-way.ts";
import type { GenerationWay } from "../../models/generation/generation-way.ts";
import { CheckpointError } from "../../models/model.ts";
import type { DecodingOptions } from "../../models/model.ts";
import type { ProtocolName } from "../../tasks/task.ts";
import { deviceChoices, deviceRequest } from "../catalog/device.ts";
import type { DeviceFlags, DeviceRequest } from "../catalog/device.ts";
import {
  byteAmount,
  choice,
  decimal,
  finite,
  folder,
  integer,
  limit,
  names,
  namesOrPaths,
  text,
  unexpected,
} from "../catalog/flag-values.ts";
import { UsageError } from "../catalog/usage-error.ts";
import { readDataPlace } from "../catalog/data-folder.ts";

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
  /** null: the data set's first. */
  readonly split: string | null;
  readonly protocol: ProtocolName;
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
  /** The run stops when more samples than this have failed; null is never. */
  readonly maxErrors: number | null;
  /** Folder of what is kept between runs: converted weights, hashes. */
  readonly cache: string;
  /** Whether image features are kept there, too, and read from there. */
  readonly keepFeatures: boolean;
  readonly overwrite: boolean;
}

/** Choices of the protocol that flags replace. */
export interface Overrides {
  /** With {question} in it. */
  readonly prompt?: string;
  readonly beams?: number;
  readonly lengthPenalty?: number;
  readonly repetitionPenalty?: number;
  readonly earlyStopping?: DecodingOptions["earlyStopping"];
  readonly minNewTokens?: number;
  readonly maxNewTokens?: number;
  /** Candidates of a row that are matched again; 0 ranks by similarity alone. */
  readonly rerank?: number;
  /** Where CIDEr counts documents: "sample" is the scored images only. */
  readonly ciderDf?: "split" | "sample";
}

/** The flags of `run` as they were typed. */
export interface RunFlags extends DeviceFlags {
  readonly model?: readonly string[];
  readonly tasks?: readonly string[];
  readonly output?: string;
  readonly data?: string;
  readonly images?: string;
  readonly maxPixels?: string;
  readonly split?: string;
  readonly protocol?: string;
  readonly limit?: string;
  readonly batchSize?: string;
  readonly memoryBudget?: string;
  readonly threads?: string;
  readonly workers?: string;
  readonly imageThreads?: string;
  readonly precision?: readonly string[];
  readonly firstSteps?: string;
  readonly generation?: string;
  readonly prompt?: string;
  readonly beams?: string;
  readonly lengthPenalty?: string;
  readonly repetitionPenalty?: string;
  readonly earlyStopping?: string;
  readonly minNewTokens?: string;
  readonly maxNewTokens?: string;
  readonly rerank?: string;
  readonly ciderDf?: string;
  readonly maxErrors?: string;
  readonly cache?: string;
  readonly keepFeatures?: boolean;
  readonly overwrite?: boolean;
  /** false: --no-report */
  readonly report?: boolean;
}

export interface RunDefaults {
  readonly models: readonly string[];
  readonly tasks: readonly string[];
  readonly output: string;
  readonly threads: number;
  readonly cache: string;
}

export const protocols: readonly ProtocolName[] = ["paper", "lavis"];
const defaultImageThreads = 0; // on two cores that both compute, threads of their own made no run faster: see DECISIONS.md
export const defaultBatchSize = 8; // questions; five beams each fill two to sixteen cores, and the cache stays small
const comparedSteps = 64; // of a vocabulary of 50,000 they take 13 MB; a mean over them tells precisions apart

/** Throws a UsageError that names the flag, what was found and what is expected. */
export function readRunConfig(flags: RunFlags, defaults: RunDefaults): RunConfig {
  const precisions = readPrecisions(flags.precision);
  const models = namesOrPaths("--model", flags.model, defaults.models);
  const tasks = names("--tasks", flags.tasks, defaults.tasks);
  return Object.freeze({
    models,
    tasks,
    areTasksNamed: flags.tasks !== undefined,
    output: resolve(text("--output", flags.output) ?? defaults.output),
    data: readDataPlace("--data", flags.data),
    images: folder("--images", flags.images),
    maxPixels: integer("--max-pixels", flags.maxPixels, { from: 1 }) ?? null,
    split: text("--split", flags.split) ?? null,
    protocol: choice("--protocol", flags.protocol, protocols) ?? "paper",
    limit: limit(flags.limit),
    batchSize: batchSize(flags.batchSize),
    memoryBudget: memoryBudget(flags),
    threads: integer("--threads", flags.threads, { from: 1 }) ?? defaults.threads,
    device: readDevice(flags),
    workers: integer("--workers", flags.workers, { from: 1 }) ?? 1,
    imageThreads: integer("--image-threads", flags.imageThreads, { from: 0 }) ?? defaultImageThreads,
    precisions,
    firstSteps: integer("--first-steps", flags.firstSteps, { from: 0 }) ?? (precisions.length > 1 ? comparedSteps : 0),
    generation: choice("--generation", flags.generation, generationWays) ?? "auto",
    overrides: overrides(flags),
    maxErrors: integer("--max-errors", flags.maxErrors, { from: 0 }) ?? null,
    cache: cacheFolderOf(flags.cache, defaults.cache),
    keepFeatures: flags.keepFeatures ?? false,
    overwrite: flags.overwrite ?? false,
  });
}

/** Throws a UsageError. */
export function readDevice({ device, deviceId }: DeviceFlags): DeviceRequest {
  return deviceRequest(choice("--device", device, deviceChoices), integer("--device-id", deviceId, { from: 0 }));
}

/** Absolute. */
export function cacheFolderOf(flag: string | undefined, otherwise: string): string {
  return folder("--cache", flag) ?? otherwise;
}

/**
 * Names with commas between them are so many precisions, a value with "=" in it is one; each counts once. Throws a UsageError:
 * a precision that is not known, or that no processor here computes in.
 */
export function readPrecisions(values: readonly string[] | undefined): readonly Precision[] {
  if (values === undefined) return [fp32Precision];
  const texts = values.flatMap((value) => (value.includes("=") ? [value] : names("--precision", [value], [])));
  const found = new Map<string, Precision>();
  for (const each of texts) {
    const precision = readPrecision(each);
    found.set(describePrecision(precision), precision);
  }
  return Object.freeze([...found.values()]);
}

function readPrecision(value: string): Precision {
  try {
    return parsePrecision(value);
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause;
    throw new UsageError(`--precision: ${cause.message}`, { cause });
  }
}

function overrides(flags: RunFlags): Overrides {
  const prompt = flags.prompt;
  const beams = integer("--beams", flags.beams, { from: 1 });
  const lengthPenalty = finite("--length-penalty", flags.lengthPenalty);
  const repetitionPenalty = finite("--repetition-penalty", flags.repetitionPenalty);
  if (repetitionPenalty !== undefined && repetitionPenalty <= 0) {
    throw unexpected("--repetition-penalty", flags.repetitionPenalty, "a number above 0; 1 is none");
  }
  const stopping = choice("--early-stopping", flags.earlyStopping, ["true", "false", "never"] as const);
  const minNewTokens = integer("--min-new-tokens", flags.minNewTokens, { from: 0 });
  const maxNewTokens = integer("--max-new-tokens", flags.maxNewTokens, { from: 1 });
  const rerank = integer("--rerank", flags.rerank, { from: 0 });
  const ciderDf = choice("--cider-df", flags.ciderDf, ["split", "sample"] as const);
  return Object.freeze({
    ...(rerank !== undefined && { rerank }),
    ...(ciderDf === "sample" && { ciderDf }),
    ...(prompt !== undefined && { prompt }),
    ...(beams !== undefined && { beams }),
    ...(lengthPenalty !== undefined && { lengthPenalty }),
    ...(repetitionPenalty !== undefined && { repetitionPenalty }),
    ...(stopping !== undefined && { earlyStopping: stopping === "never" ? stopping : stopping === "true" }),
    ...(minNewTokens !== undefined && { minNewTokens }),
    ...(maxNewTokens !== undefined && { maxNewTokens }),
  });
}

function batchSize(value: string | undefined): number | "auto" {
  if (value === undefined) return defaultBatchSize;
  if (value === "auto") return value;
  const number = decimal(value);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw unexpected("--batch-size", value, "a whole number from 1, or auto");
}

/** Bytes. */
function memoryBudget({ memoryBudget: value, batchSize }: RunFlags): number | null {
  if (value === undefined) return null;
  if (batchSize !== "auto") throw new UsageError("--memory-budget: is for --batch-size auto, which was not given.");
  return byteAmount("--memory-budget", value, "500MB or 4GB");
}
