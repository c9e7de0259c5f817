/** Every device ONNX Runtime knows on this machine: is it compiled in, does it start, and what to do where it does not. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { compiledProviders, providerNames } from "../../models/device/providers.ts";
import type { ProviderName } from "../../models/device/providers.ts";
import { tryProvider } from "../../models/device/provider-trial.ts";

export interface DeviceFinding {
  readonly device: ProviderName;
  /** `missing`: no part of this build of ONNX Runtime. */
  readonly status: "works" | "failed" | "missing";
  /** The largest difference of a small graph's numbers from the CPU's. */
  readonly difference: number | null;
  readonly reason: string | null;
  readonly advice: string | null;
}

/** In the order of providerNames; the device itself is started only where it is compiled in. */
export async function findDevices(onTrial: (name: ProviderName) => void): Promise<readonly DeviceFinding[]> {
  const compiled = new Set(compiledProviders().map(({ name }) => name));
  const found: DeviceFinding[] = [];
  for (const device of providerNames) {
    if (!compiled.has(device)) {
      found.push({ device, status: "missing", difference: null, reason: "not in this build", advice: null });
      continue;
    }
    onTrial(device);
    const trial = await tryProvider(device);
    if (trial.status === "works") {
      found.push({ device, status: "works", difference: trial.difference, reason: null, advice: null });
      continue;
    }
    const { reason } = trial;
    found.push({ device, status: "failed", difference: null, reason, advice: adviceFor(device, reason) });
  }
  return found;
}

/** What to do where a device does not start; `reason` is what it said. */
export function adviceFor(device: ProviderName, reason: string): string {
  if (device === "cpu") return "Install the packages anew with npm ci; nothing runs without the CPU.";
  if (device === "cuda" && /load shared library|shared object file/.test(reason)) {
    return (
      `Add the provider, and have CUDA 12 and cuDNN 9 installed:\n  ${cudaCommand()}\n` +
      "It downloads from nuget.org; npm install does not, as this project's .npmrc says onnxruntime-node-install=skip."
    );
  }
  if (device === "cuda") return "See that nvidia-smi finds the GPU, and that CUDA 12 and cuDNN 9 are installed.";
  if (device === "webgpu" && process.platform === "linux") {
    return "Install Vulkan's loader and the GPU's driver (Debian: apt-get install libvulkan1 mesa-vulkan-drivers; NVIDIA: its own).";
  }
  return "Update the system and the GPU's driver.";
}

/** The step after onnxruntime-node's installation that adds CUDA's provider: its script/install.js, forced by the variable. */
export function cudaCommand(): string {
  const main = createRequire(import.meta.url).resolve("onnxruntime-node"); // <package>/dist/index.js
  const script = join(dirname(main), "..", "script", "install.js");
  return `ONNXRUNTIME_NODE_INSTALL=cuda12 node ${JSON.stringify(script)}`;
}
