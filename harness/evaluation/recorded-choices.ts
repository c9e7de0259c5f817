/** How run.json spells what a checkpoint is computed in and on; the usual is left out, as it was before there was a choice. */
import { describePrecision, PRECISION_NAMES } from "../../models/checkpoint/precision.ts";
import type { RunPlan } from "../../reports/records/run-record.ts";
import type { AskedCheckpoint } from "./pairs.ts";

export function precisionToRecord({
  precision,
}: AskedCheckpoint): Pick<RunPlan["config"], "precision" | "precisionNames"> {
  const described = describePrecision(precision);
  return described === "fp32" ? {} : { precision: described, precisionNames: PRECISION_NAMES };
}

export function recordedProvider({ chosen: { device } }: AskedCheckpoint): { readonly device?: string } {
  return device.provider === "cpu" ? {} : { device: device.provider };
}

/** Beside the config: another device of the same provider goes on with a run. */
export function recordedDevice({ chosen: { device, adapter } }: AskedCheckpoint): Pick<RunPlan, "device"> {
  if (device.provider === "cpu") return {};
  const { provider, id, name = null } = device;
  return { device: { provider, id, name, driver: adapter?.driver ?? null } };
}
