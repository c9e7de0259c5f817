/** The contents of check-gpu.json, section by section, and the exit code that follows from them. */
import type { Adapter } from "../../../models/device/adapter.ts";
import { describeDevice } from "../../../models/device/device.ts";
import type { Device } from "../../../models/device/device.ts";
import type { RunPlan } from "../../../reports/records/run-record.ts";
import type { DeviceFinding } from "../../catalog/found-devices.ts";
import { completeCode, incompleteCode, internalCode, usageCode } from "../../cli/exit-code.ts";
import type { Ceilings } from "../pipeline/ceilings.ts";
import type { ParityRow, ParityVerdict } from "./check-gpu-judge.ts";
import type { Shares, Speed } from "./check-gpu-speed.ts";

/**
 * A section of the report. Where it failed, `found` holds what was known by then. A section that is still `begun` in
 * the file ended the process: the driver crashed.
 */
export interface Section<Found> {
  readonly status: "done" | "failed" | "begun" | "not run";
  readonly seconds: number;
  /** Why it failed. */
  readonly reason: string | null;
  readonly found: Found | null;
}

export interface DeviceSection {
  /** What `doctor` finds out about each device. */
  readonly devices: readonly DeviceFinding[];
  readonly nvidia: readonly string[] | null;
  readonly vulkan: readonly string[];
  /** null: the device that was asked for does not start. */
  readonly chosen: (Device & { readonly adapter: Adapter | null; readonly kind: DeviceKind }) | null;
}

/** `software driver`: the driver reports that it computes on the CPU; `gpu`: any other device than the CPU. */
export type DeviceKind = "cpu" | "software driver" | "gpu";

export interface CheckRecord {
  readonly made: string;
  readonly flags: Readonly<Record<string, string>>;
  readonly code: RunPlan["code"];
  readonly packages: RunPlan["packages"];
  readonly processor: RunPlan["processor"];
  readonly device: Section<DeviceSection>;
  readonly parity: Section<{ readonly rows: readonly ParityRow[]; readonly verdict: ParityVerdict }>;
  readonly speed: Section<{ readonly speed: Speed; readonly notes: readonly string[] }>;
  readonly ceilings: Section<{ readonly ceilings: Ceilings; readonly shares: Shares | null }>;
}

export const notRun: Section<never> = Object.freeze({ status: "not run", seconds: 0, reason: null, found: null });
export const begun: Section<never> = Object.freeze({ ...notRun, status: "begun" });

export function kindOf({ provider }: Device, adapter: Adapter | null): DeviceKind {
  if (provider === "cpu") return "cpu";
  return adapter?.isSoftware === true ? "software driver" : "gpu";
}

/** `webgpu: SwiftShader …, driver …: a driver in software, no GPU` */
export function describeChosen({ device, processor }: Pick<CheckRecord, "device" | "processor">): string {
  const chosen = device.found?.chosen ?? null;
  if (chosen === null) return "none";
  const { adapter, kind } = chosen;
  if (kind === "cpu") return `cpu: ${processor.model}: no GPU was computed on`;
  const driver = adapter?.driver ?? null;
  const name = `${adapter?.name ?? "a device that does not tell its name"}${driver === null ? "" : `, driver ${driver}`}`;
  return `${describeDevice(chosen)}: ${name}${kind === "software driver" ? ": a driver in software, no GPU" : ""}`;
}

/**
 * 2: the device does not start. 1: its numbers differ from the CPU's, or could not be compared. 3: another section
 * failed.
 */
export function exitCodeFor({ device, parity, speed, ceilings }: Pick<CheckRecord, SectionName>): number {
  if (device.status !== "done") return usageCode;
  if (parity.status !== "done" || parity.found?.verdict.holds !== true) return internalCode;
  return [speed, ceilings].every(({ status }) => status === "done") ? completeCode : incompleteCode;
}

export type SectionName = "device" | "parity" | "speed" | "ceilings";

/** NaN and infinite numbers become null, as JSON has neither. */
export function recordJson(record: CheckRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}
