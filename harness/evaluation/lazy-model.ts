/** A model that is loaded when it is first needed, and what that takes: milliseconds and memory. */
import { readFileSync, writeFileSync } from "node:fs";
import { resourceUsage } from "node:process";
import { placementOf } from "../../models/device/placement-profile.ts";
import type { NodePlacement } from "../../models/device/placement-profile.ts";
import type { RunMeasured } from "../../reports/records/run-record.ts";

/** A model that `load` loads at its first call and then gives again; `release` does nothing where it was not loaded. */
export interface LazyModel<Model = unknown> {
  readonly load: () => Promise<Model>;
  /** What loading it took, and its memory until now; null where it is not loaded. */
  readonly measured: () => RunMeasured | null;
  readonly release: () => Promise<void>;
}

interface Releasable {
  readonly weightsBytes?: number;
  readonly release: () => Promise<void>;
}

export function lazyModel<Model extends Releasable>(
  load: () => Promise<Model>,
  placements: ReadonlyMap<string, NodePlacement>,
): LazyModel<Model> {
  let model: Promise<Model> | null = null;
  let measured: RunMeasured | null = null;
  const loadMeasured = async (): Promise<Model> => {
    const memorySince = resetPeakMemory();
    const memoryBeforeBytes = process.memoryUsage.rss();
    const startMs = performance.now();
    const loaded = await load();
    const memory = peakMemoryBytes(memorySince);
    measured = {
      loadMs: performance.now() - startMs,
      weightsBytes: loaded.weightsBytes ?? null,
      memoryBeforeBytes,
      loadedMemoryBytes: memory,
      peakMemoryBytes: memory,
      memorySince,
      stagesMs: null,
    };
    return loaded;
  };
  return {
    load: () => (model ??= loadMeasured()),
    measured: () => {
      if (measured === null) return null;
      const placement = placements.size === 0 ? {} : { placement: placementOf([...placements.values()]) };
      return { ...measured, peakMemoryBytes: peakMemoryBytes(measured.memorySince), ...placement };
    },
    release: async () => {
      const loaded = model;
      model = null;
      measured = null;
      await (await loaded)?.release();
    },
  };
}

/**
 * Since when the peak of memory counts. Linux keeps the mark (VmHWM) of the most that a process had resident, and takes it back
 * to what is resident now when asked to; elsewhere it counts from the start of the process, so that it says nothing of a second
 * model. `load`: since the last `resetPeakMemory`; `start`: since the process started; null: the mark says nothing true.
 */
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
