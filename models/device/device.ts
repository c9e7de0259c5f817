/** Where graphs are computed: one of ONNX Runtime's providers and, where it has several devices, which of them. */

/** As ONNX Runtime calls its execution providers; the CPU's is always there. */
export const providerNames = ["cpu", "cuda", "webgpu", "coreml", "dml"] as const;
export type ProviderName = (typeof providerNames)[number];

export interface Device {
  readonly provider: ProviderName;
  /** From 0; others only where `hasSeveralDevices`. */
  readonly id: number;
  /** What it is called, where that is known: numbers are rounded as one kind of device rounds them. */
  readonly name?: string;
  /** What its driver said when it was to compute in fp16; unset: it can, or was not tried. */
  readonly halfRefusal?: string;
}

export const cpuDevice: Device = { provider: "cpu", id: 0 };

/** Whether a device can be named by its number: WebGPU and Core ML take the one that the system gives them. */
export function hasSeveralDevices(provider: ProviderName): boolean {
  return provider === "cuda" || provider === "dml";
}

/** Whether outputs can stay on the device: the binding to ONNX Runtime has that for WebGPU alone. */
export function keepsOnDevice({ provider }: Device = cpuDevice): boolean {
  return provider === "webgpu";
}

/** `webgpu`, or with its number where there is a choice: `cuda 0`. */
export function describeDevice({ provider, id }: Device): string {
  return hasSeveralDevices(provider) ? `${provider} ${id}` : provider;
}

/** As a session takes it. */
export function executionProvider({
  provider,
  id,
}: Device): Exclude<ProviderName, "cuda" | "dml"> | { readonly name: "cuda" | "dml"; readonly deviceId: number } {
  return provider === "cuda" || provider === "dml" ? { name: provider, deviceId: id } : provider;
}
