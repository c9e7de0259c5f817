/**
 * The plan of a run: what run.json says of it before anything is computed. What is usual is left out, as it was before there
 * was a choice, so that records of every age compare.
 */
import { describePrecision, PRECISION_NAMES } from "../../models/checkpoint/precision.ts";
import type { RunPlan } from "../../reports/records/run-record.ts";
import type { CheckpointInPrecision } from "./checkpoints.ts";
import type { Preparation } from "./verbs.ts";

export interface PlannedPair {
  readonly checkpoint: CheckpointInPrecision;
  readonly task: { readonly name: string };
  readonly data: RunPlan["data"];
  /** Choices that only runs of one kind have. */
  readonly choices: Pick<RunPlan["config"], "generation" | "candidates" | "decoding" | "retrieval">;
}

export function runPlan(
  { checkpoint, task, data, choices }: PlannedPair,
  { config, batchSize, made }: Preparation,
): RunPlan {
  const { protocol, limit, overrides } = config;
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
      overrides: { ...overrides },
    },
    checkpoint: { name, source, family, fingerprint },
    data,
    ...made,
    ...recordedDevice(checkpoint),
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
