/**
 * The most memory the process has had resident. Linux keeps the mark (VmHWM), and takes it back to what is resident now when
 * asked to; elsewhere it goes back to the start of the process, so that it says nothing of a second model.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { resourceUsage } from "node:process";

/** Since when the mark counts: `load` is the last `resetPeakMemory`, `start` that of the process; null: nothing it says is true. */
export type MemorySince = "load" | "start" | null;

let resets = 0;

export function resetPeakMemory(): MemorySince {
  resets += 1;
  try {
    writeFileSync("/proc/self/clear_refs", "5"); // proc(5), since Linux 4.0
    return "load";
  } catch {
    return resets === 1 ? "start" : null; // no Linux, or a kernel or container without it
  }
}

export function peakMemoryBytes(since: MemorySince): number | null {
  if (since === null) return null;
  if (since === "start") return resourceUsage().maxRSS * 1024; // it is in KiB
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}
