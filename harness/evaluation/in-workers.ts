/** A checkpoint that was found, to be loaded by several processes instead of this one. */
import type { Precision } from "../../models/checkpoint/precision.ts";
import type { Device } from "../../models/device/device.ts";
import type { LoadOptions } from "../../models/load-blip2.ts";
import type { Catalog, FoundCheckpoint, FoundGenerator } from "../catalog/catalog.ts";
import type { ModelPlace } from "../processes/model-service.ts";
import type { LoadChoices } from "./run-config.ts";
import { ScorerWorkers } from "../processes/scorer-workers.ts";
import { splitThreads } from "../processes/worker-pool.ts";
import { GeneratorWorkers } from "../processes/generator-workers.ts";

export interface PrepareOptions extends Pick<LoadOptions, "hubCache" | "onPreparation" | "onPlacement"> {
  /** Told what a user should know during a run. */
  readonly onMessage?: (message: string) => void;
}

export interface Spreading {
  /** A folder, or a name in the Hugging Face cache. */
  readonly where: string;
  readonly config: Required<LoadChoices>;
  readonly device: Device;
  readonly precision: Precision;
  readonly catalog: Catalog;
}

export function inWorkers(
  found: FoundCheckpoint,
  { where, config, device, precision, catalog }: Spreading,
  { hubCache, ...told }: PrepareOptions,
): FoundCheckpoint {
  const { cache: cacheFolder, imageThreads, maxPixels, generation, keepFeatures } = config;
  const [first = 1, ...others] = splitThreads(config.threads, config.workers);
  const shared = { where, device, imageThreads, precision, generation, keepFeatures, cacheFolder, hubCache };
  const placeOf = (threads: number): ModelPlace => ({ ...shared, ...(maxPixels !== null && { maxPixels }), threads });
  const entry = catalog.processEntry === undefined ? {} : { entry: catalog.processEntry };
  const options = { ...told, ...entry };
  const generator = (one: FoundGenerator): FoundGenerator => {
    const writing = (share: number): ModelPlace => ({ ...placeOf(share), writes: one.family === "itg" });
    return { ...one, load: () => GeneratorWorkers.start([writing(first), ...others.map(writing)], options) };
  };
  if (found.kind === "generation") return generator(found);
  const imageTokenShare = 0.5 / config.workers; // together half of what is free, as one process takes
  const spread = (threads: number): ModelPlace => ({ ...placeOf(threads), imageTokenShare });
  return {
    ...found,
    load: () => ScorerWorkers.start([spread(first), ...others.map(spread)], options),
    ...(found.writer !== undefined && { writer: generator(found.writer) }),
  };
}
