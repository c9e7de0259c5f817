/**
 * What a device is called and which driver runs it, and whether that is a program for the CPU. ONNX Runtime does not say; on
 * Linux Vulkan's loader does, on stderr, where VK_LOADER_DEBUG asks it to.
 */

export interface Adapter {
  /** `NVIDIA GeForce RTX 3080`, `SwiftShader Device (Subzero)` */
  readonly name: string;
  /** A file or a version; null: not known. */
  readonly driver: string | null;
  /** It computes on the CPU, and more slowly than the CPU's own kernels. */
  readonly isSoftware: boolean;
}

/** Makes this process tell on stderr which Vulkan device it uses; to be called before the first is started. */
export function tellAdapter(): void {
  process.env["VK_LOADER_DEBUG"] = "info,driver";
}

const software = /llvmpipe|lavapipe|swiftshader|softpipe|basic render driver/i;

/** From what the loader wrote; null where it says nothing, as on systems without Vulkan. */
export function adapterIn(loaderLog: string): Adapter | null {
  const used = [...loaderLog.matchAll(/Using "(.+?)" with driver: "(.+?)"/g)].at(-1);
  if (used !== undefined) return adapter(used[1]!, used[2]!);
  // Older loaders list the devices, the first being the one that is taken.
  const first = /Sorted order:\s*\n.*\[0\] (.+)/.exec(loaderLog)?.[1];
  return first === undefined ? null : adapter(first.trim(), null);
}

function adapter(name: string, driver: string | null): Adapter {
  return { name, driver, isSoftware: software.test(`${name} ${driver ?? ""}`) };
}
