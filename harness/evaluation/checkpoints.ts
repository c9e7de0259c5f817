/** The checkpoints of a command: each model that was named, in each precision, found but not loaded. */
import type { Precision } from "../../models/checkpoint/precision.ts";
import type { GraphPlacement, NodePlacement } from "../../models/device/placement-profile.ts";
import type { Catalog, FoundCheckpoint, FoundGenerator } from "../catalog/catalog.ts";
import { checkPrecision, chooseDevice } from "../catalog/device.ts";
import type { ChosenDevice } from "../catalog/device.ts";
import { checkpointPlace, findCheckpoint, refuseSameNames } from "../catalog/find-checkpoint.ts";
import { inWorkers } from "./in-workers.ts";
import type { PrepareOptions } from "./in-workers.ts";
import type { LoadChoices } from "./run-config.ts";

/** A checkpoint in one of the precisions that were named; in another one it is another checkpoint here. */
export type CheckpointInPrecision = FoundCheckpoint & InPrecision;

export interface InPrecision {
  readonly precision: Precision;
  readonly chosen: ChosenDevice;
  /** Which nodes of each graph the device computes, known once the graph has run (placement-profile.ts). Empty on the CPU. */
  readonly placements: ReadonlyMap<string, NodePlacement>;
}

/** The half of a checkpoint that generates text; null: it has none. */
export function generatorOf(checkpoint: CheckpointInPrecision): (FoundGenerator & InPrecision) | null {
  if (checkpoint.kind === "generation") return checkpoint;
  const { writer, precision, chosen, placements } = checkpoint;
  return writer === undefined ? null : { ...writer, precision, chosen, placements };
}

/** Finds every model in every precision. Throws a UsageError or a CheckpointError. */
export async function checkpointsToRun(
  choices: LoadChoices,
  catalog: Catalog,
  prepareOptions: PrepareOptions,
): Promise<readonly CheckpointInPrecision[]> {
  const { hubCache, onPreparation } = prepareOptions;
  const config: Required<LoadChoices> = {
    workers: 1,
    isApart: false,
    imageThreads: 0,
    generation: "auto",
    keepFeatures: false,
    ...choices,
  };
  const chosen = await chooseDevice(config.device, prepareOptions);
  const precisions = config.precisions.map((each) => checkPrecision(each, chosen.device, prepareOptions));
  const { device } = chosen;
  const { cache: cacheFolder, threads, imageThreads, maxPixels, generation, keepFeatures } = config;
  const settings = { hubCache, cacheFolder, threads, device, imageThreads, generation, keepFeatures };
  const given = { ...(maxPixels !== null && { maxPixels }), ...(onPreparation !== undefined && { onPreparation }) };
  const options = { ...settings, ...given };
  const checkpoints: CheckpointInPrecision[] = [];
  for (const name of config.models) {
    const { where } = checkpointPlace(catalog, name);
    for (const precision of precisions) {
      const placements = new Map<string, GraphPlacement>();
      const onPlacement = (placement: GraphPlacement): void => void placements.set(placement.graph, placement);
      const found = await findCheckpoint(catalog, name, { ...options, precision, onPlacement });
      const spreading = { where, config, device, precision, catalog };
      const isElsewhere = config.workers > 1 || config.isApart;
      const placed = isElsewhere ? inWorkers(found, spreading, { ...prepareOptions, onPlacement }) : found;
      checkpoints.push({ ...placed, precision, chosen, placements });
    }
  }
  refuseSameNames(checkpoints);
  return checkpoints;
}
