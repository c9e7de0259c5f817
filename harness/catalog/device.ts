/**
 * Which device a command computes on. One that is asked for is tried in a process of its own before
 * anything is loaded; `auto` takes the first that works and is no program for the CPU. The CPU is not tried: it is the default.
 */
import type { Adapter } from "../../models/device/adapter.ts";
import { cpuDevice, describeDevice } from "../../models/device/device.ts";
import type { Device, ProviderName } from "../../models/device/device.ts";
import { precisionOn, precisionsOn, unfitPart } from "../../models/device/device-precisions.ts";
import { tryProvider } from "../../models/device/provider-trial.ts";
import { compiledProviders } from "../../models/device/providers.ts";
import { describePrecision, hasHalf } from "../../models/checkpoint/precision.ts";
import type { Precision } from "../../models/checkpoint/precision.ts";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import { adviceFor } from "./device-advice.ts";
import type { DeviceRequest } from "./device-request.ts";
import { nvidiaAdapter } from "./machine.ts";
import { UsageError } from "./usage-error.ts";

export interface ChosenDevice {
  readonly device: Device;
  /** null: the CPU, or a device that does not tell. */
  readonly adapter: Adapter | null;
}

export interface ChoosingOptions {
  /** Told which device `auto` takes, and why not the others. */
  readonly onPreparation?: ((event: PreparationEvent) => void) | undefined;
  /** Told what a user should know: that a device is slow. */
  readonly onMessage?: ((message: string) => void) | undefined;
  /** What tries a device, and what is compiled in; others stand in for devices in tests. */
  readonly trial?: typeof tryProvider;
  readonly compiled?: () => readonly string[];
}

/** The fastest first. CUDA has the most kernels; WebGPU keeps keys and values on the device, which the other two cannot. */
export const autoOrder: readonly ProviderName[] = ["cuda", "webgpu", "dml", "coreml"];

/** Throws a UsageError: a device that is not there, that does not start, or by a number that it has not. */
export async function chooseDevice(request: DeviceRequest, options: ChoosingOptions = {}): Promise<ChosenDevice> {
  const { name, id } = request;
  if (name === "cpu") return { device: cpuDevice, adapter: null };
  if (name === "auto") return chooseBest(options);
  const device = { provider: name, id };
  const tried = await tryDevice(device, options);
  if ("reason" in tried) {
    const advice = tried.isMissing ? "" : ` ${adviceFor(name, tried.reason)}`;
    const flag = id === 0 ? "" : ` --device-id ${id}`;
    throw new UsageError(`--device ${name}${flag}: it does not start: ${withStop(tried.reason)}${advice}`);
  }
  const { adapter } = tried;
  const chosen = named(device, tried);
  if (adapter?.isSoftware === true) {
    options.onMessage?.(`--device ${name}: ${adapter.name} is a driver in software, which is slower than the CPU.`);
  }
  return chosen;
}

function named(device: Device, { adapter, halfRefusal }: UsableDevice): ChosenDevice {
  const name = adapter !== null && { name: adapter.name };
  return { device: { ...device, ...name, ...(halfRefusal !== undefined && { halfRefusal }) }, adapter };
}

async function chooseBest(options: ChoosingOptions): Promise<ChosenDevice> {
  const passed: string[] = [];
  const tell = (device: Device, found: UsableDevice): ChosenDevice => {
    const { adapter } = found;
    const name = adapter === null ? "" : ` (${adapter.name})`;
    const why = passed.length === 0 ? "" : ` Not ${passed.join("; not ")}.`;
    options.onPreparation?.({ kind: "note", message: `--device auto: ${describeDevice(device)}${name}.${why}` });
    return named(device, found);
  };
  for (const provider of autoOrder) {
    const device = { provider, id: 0 };
    const tried = await tryDevice(device, options);
    if ("reason" in tried) passed.push(`${provider}: ${tried.reason.replace(/\.$/, "")}`);
    else if (tried.adapter?.isSoftware === true) {
      passed.push(`${provider}: ${tried.adapter.name} is a driver in software, which is slower than the CPU`);
    } else return tell(device, tried);
  }
  return tell(cpuDevice, { adapter: null });
}

interface UsableDevice {
  readonly adapter: Adapter | null;
  readonly halfRefusal?: string | undefined;
}

type TriedDevice = UsableDevice | { readonly reason: string; readonly isMissing: boolean };

async function tryDevice(
  device: Device,
  { trial = tryProvider, compiled = compiledNames }: ChoosingOptions,
): Promise<TriedDevice> {
  if (!compiled().includes(device.provider))
    return { reason: "it is not in this build of ONNX Runtime", isMissing: true };
  const tried = await trial(device);
  if (tried.status === "failed") return { reason: tried.reason, isMissing: false };
  const { adapter, halfRefusal } = tried;
  return { adapter: device.provider === "cuda" ? await nvidiaAdapter() : adapter, halfRefusal };
}

function compiledNames(): readonly string[] {
  return compiledProviders().map(({ name }) => name);
}

/** What it means there. Throws a UsageError that says what can be computed there, where this cannot. */
export function checkPrecision(
  asked: Precision,
  device: Device,
  { onPreparation }: Pick<ChoosingOptions, "onPreparation"> = {},
): Precision {
  const precision = precisionOn(asked, device);
  const part = unfitPart(precision, device);
  if (part === null) {
    if (device.provider !== "cpu" || !hasHalf(precision)) return precision;
    onPreparation?.({
      kind: "note",
      message: "fp16: the CPU computes it no faster than fp32; answers are as of a GPU.",
    });
    return precision;
  }
  const { provider, name, halfRefusal } = device;
  const described = describePrecision(precision);
  const where = described === part.split("=")[1] ? "" : ` (${part})`;
  const isHalf = part.endsWith("=fp16") && halfRefusal !== undefined;
  const why = isHalf ? ` on ${name ?? "this device"} (${halfRefusal.replace(/\.$/, "")})` : "";
  throw new UsageError(
    `--precision ${described}${where}: ${provider} does not compute in it${why}; precisions there: ` +
      `${precisionsOn(device).join(", ")}. Name one of these, or --device cpu.`,
  );
}

function withStop(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
