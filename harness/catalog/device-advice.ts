/** What to do where a device does not start. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { ProviderName } from "../../models/device/device.ts";

/** `reason` is what it said. */
export function adviceFor(device: ProviderName, reason: string): string {
  if (device === "cpu") return "Install the packages anew with npm ci; nothing runs without the CPU.";
  if (device === "cuda" && /load shared library|shared object file/.test(reason)) {
    return (
      `Add the provider, and have CUDA 12 and cuDNN 9 installed:\n  ${cudaCommand()}\n` +
      "It downloads the provider from its publisher; npm install does not, as this project's .npmrc says onnxruntime-node-install=skip."
    );
  }
  if (device === "cuda" && /invalid device|device ordinal|device_id/i.test(reason)) {
    return "nvidia-smi lists the GPUs; --device-id counts them from 0.";
  }
  if (device === "cuda" && /driver version is insufficient/i.test(reason)) {
    return "The driver is too old for CUDA 12: update it to release 525 or later.";
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
