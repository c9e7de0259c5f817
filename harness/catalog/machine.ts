/** What the machine says of itself: drivers, clock, disk. null is what it does not say. */
import { execFile } from "node:child_process";
import { readdir, readFile, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Adapter } from "../../models/device/adapter.ts";

/** Where Vulkan's loader looks for drivers on Linux. */
const vulkanFolders = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
const answerMs = 20_000; // nvidia-smi takes seconds where no persistence daemon runs

/** Name, driver and memory of each NVIDIA GPU; null where nvidia-smi is not there or finds none. */
export async function nvidiaGpus(): Promise<readonly string[] | null> {
  const words = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"];
  try {
    const { stdout } = await promisify(execFile)("nvidia-smi", words, { timeout: answerMs });
    return stdout.split("\n").filter((line) => line.trim() !== "");
  } catch {
    return null; // no NVIDIA driver, which is no fault by itself
  }
}

/** The GPUs' name and driver; CUDA numbers them in another order than nvidia-smi, so of different ones all are named. */
export async function nvidiaAdapter(gpus = nvidiaGpus()): Promise<Adapter | null> {
  const found = ((await gpus) ?? []).map((line) => line.split(",").map((word) => word.trim()));
  if (found.length === 0) return null;
  const name = [...new Set(found.map(([each = ""]) => each))].join(" or ");
  return { name, driver: found[0]?.[1] ?? null, isSoftware: false };
}

/** The files that name Vulkan drivers. */
export async function vulkanDrivers(folders: readonly string[] = vulkanFolders): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => []); // a folder that is not there holds no driver
    found.push(...names.filter((name) => name.endsWith(".json")).map((name) => join(folder, name)));
  }
  return found.sort();
}

/** How the kernel sets the processor's clock, such as `performance`. */
export async function clockGovernor(): Promise<string | null> {
  const file = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
  const text = await readFile(file, "utf8").catch(() => null); // virtual machines have none
  return text === null ? null : text.trim();
}

/** Bytes free where the folder lies or would be made. */
export async function freeBytes(folder: string): Promise<number | null> {
  for (let at = folder; ; at = dirname(at)) {
    const disk = await statfs(at).catch(() => null);
    if (disk !== null) return disk.bavail * disk.bsize;
    if (at === dirname(at)) return null;
  }
}

/** Checkpoints in the Hugging Face cache; null where there is no such folder. */
export async function cachedCheckpoints(hubCache: string): Promise<number | null> {
  const names = await readdir(hubCache).catch(() => null);
  return names === null ? null : names.filter((name) => name.startsWith("models--")).length;
}
