/**
 * The plan of a run: what run.json says of it before anything is computed. What is usual is left out, as it was before there
 * was a choice, so that records of every age compare.
 */
import { describePrecision, PRECISION_NAMES } from "../../models/checkpoint/precision.ts";
import type { RunPlan } from "../../reports/records/run-record.ts";
import type { Task } from "../../tasks/task.ts";
import type { CheckpointInPrecision } from "./checkpoints.ts";
import { recordedShard } from "./shard.ts";
import type { Preparation } from "./verbs.ts";

export interface PlannedPair {
  readonly checkpoint: CheckpointInPrecision;
  readonly task: Pick<Task, "name" | "file" | "cluster">;
  readonly data: RunPlan["data"];
  /** Choices that only runs of one kind have. */
  readonly choices: Pick<RunPlan["config"], "generation" | "candidates" | "shots" | "decoding" | "retrieval">;
  /** Sample ids of all windows of the run. */
  readonly windows: readonly (readonly { readonly id: string }[])[];
}

export async function runPlan(
  { checkpoint, task, data, choices, windows }: PlannedPair,
  { config, batchSize, made }: Preparation,
): Promise<RunPlan> {
  const { protocol, limit, overrides } = config;
  const cluster = config.cluster ?? task.cluster;
  const { code, packages, processor } = made;
  const rounding = await checkpoint.rounding?.(processor.instructions ?? []);
  const { name, source, family, fingerprint } = checkpoint;
  return {
    config: {
      task: task.name,
      protocol,
      limit,
      batchSize,
      ...precisionToRecord(checkpoint),
      ...recordedProvider(checkpoint),
      ...choices,
      ...(cluster !== undefined && { cluster }),
      overrides: { ...overrides },
    },
    ...(task.file !== undefined && { taskFile: { path: task.file.path, sha256: task.file.sha256 } }),
    checkpoint: { name, source, family, fingerprint },
    data,
    code,
    packages,
    processor: { ...processor, ...(rounding !== undefined && { rounding }) },
    ...recordedDevice(checkpoint),
    ...recordedShard(config, windows),
    seeds: {},
  };
}

function precisionToRecord({
  precision,
}: CheckpointInPrecision): Pick<RunPlan["config"], "precision" | "precisionNames"> {
  const described = describePrecision(precision);
  return described === "fp32" ? {} : { precision: described, precisionNames: PRECISION_NAMES };
}

function recordedProvider({ chosen: { device } }: CheckpointInPrecision): { readonly device?: string } {
  return device.provider === "cpu" ? {} : { device: device.provider };
}

/** Beside the config: a run can be continued on another device of one provider. */
function recordedDevice({ chosen: { device, adapter } }: CheckpointInPrecision): Pick<RunPlan, "device"> {
  if (device.provider === "cpu") return {};
  const { provider, id, name = null } = device;
  return { device: { provider, id, name, driver: adapter?.driver ?? null } };
}
