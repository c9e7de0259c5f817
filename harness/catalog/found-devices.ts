/** Every device ONNX Runtime knows on this machine: is it compiled in, does it start, and what is it. */
import type { Adapter } from "../../models/device/adapter.ts";
import { providerNames } from "../../models/device/device.ts";
import type { ProviderName } from "../../models/device/device.ts";
import type { PrecisionName } from "../../models/checkpoint/precision.ts";
import { precisionsOn } from "../../models/device/device-precisions.ts";
import { tryProvider } from "../../models/device/provider-trial.ts";
import { compiledProviders } from "../../models/device/providers.ts";
import { autoOrder } from "./device.ts";
import { adviceFor } from "./device-advice.ts";

export interface DeviceFinding {
  readonly device: ProviderName;
  /** `missing`: no part of this build of ONNX Runtime. */
  readonly status: "works" | "failed" | "missing";
  /** The largest difference of a small graph's numbers from the CPU's. */
  readonly difference: number | null;
  /** What it can compute in. */
  readonly precisions: readonly PrecisionName[];
  /** As far as it is told. */
  readonly adapter: Adapter | null;
  readonly reason: string | null;
  readonly advice: string | null;
}

/** What --device auto takes of these. */
export function autoDevice(found: readonly DeviceFinding[]): ProviderName {
  const isFit = (name: ProviderName): boolean =>
    found.some(({ device, status, adapter }) => device === name && status === "works" && adapter?.isSoftware !== true);
  return autoOrder.find(isFit) ?? "cpu";
}

/** In the order of providerNames; the device itself is started only where it is compiled in. */
export async function findDevices(onTrial: (name: ProviderName) => void): Promise<readonly DeviceFinding[]> {
  const compiled = new Set(compiledProviders().map(({ name }) => name));
  const found: DeviceFinding[] = [];
  for (const device of providerNames) {
    if (!compiled.has(device)) {
      const reason = "not in this build";
      found.push({ device, status: "missing", difference: null, precisions: [], adapter: null, reason, advice: null });
      continue;
    }
    onTrial(device);
    const trial = await tryProvider({ provider: device, id: 0 });
    const { adapter } = trial;
    if (trial.status === "works") {
      const { difference, halfRefusal } = trial;
      const precisions = precisionsOn({ provider: device, ...(halfRefusal !== undefined && { halfRefusal }) });
      found.push({ device, status: "works", difference, precisions, adapter, reason: null, advice: null });
      continue;
    }
    const { reason } = trial;
    const advice = adviceFor(device, reason);
    found.push({ device, status: "failed", difference: null, precisions: [], adapter, reason, advice });
  }
  return found;
}
