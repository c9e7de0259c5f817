/**
 * The machine while it is measured: its processor and how its frequency is governed, and how much of its time went to other
 * processes, from /proc and /sys. What a system does not tell is null.
 */
import { readFile } from "node:fs/promises";
import { cpus, loadavg, totalmem } from "node:os";
import { arch, platform, release } from "node:os";
import { join } from "node:path";
import type { Machine } from "../../../reports/records/bench/bench-record.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";

/** Where the system tells of itself; tests have another root. */
export const systemRoot = "/";

export type MachineFacts = Omit<Machine, "neighbours" | "warnings">;

export async function describeMachine(root = systemRoot): Promise<MachineFacts> {
  const governor = await readText(join(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
  const load = platform() === "win32" ? null : (loadavg()[0] ?? null);
  return {
    model: cpus()[0]?.model.trim() ?? "unknown",
    cores: usableProcessors(),
    memoryBytes: totalmem(),
    platform: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    governor: governor?.trim() ?? null,
    load: load === null ? null : Number(load.toFixed(2)),
  };
}

/** Processor time since the system was started, in clock ticks, of all processors together. */
export interface ProcessorTime {
  readonly total: number;
  /** Not idle, and not waiting for a disk. */
  readonly busy: number;
  /** By our own processes: this one, and the model's as far as it is known. */
  readonly own: number;
}

/** `pids`: our processes. null where the system does not tell. */
export async function readProcessorTime(pids: readonly number[], root = systemRoot): Promise<ProcessorTime | null> {
  const text = await readText(join(root, "proc/stat"));
  // cpu  user nice system idle iowait irq softirq steal …: proc(5)
  const [, ...fields] = text?.split("\n")[0]?.split(/\s+/) ?? [];
  const ticks = fields.slice(0, 8).map(Number);
  if (ticks.length < 8 || ticks.some(Number.isNaN)) return null;
  const total = ticks.reduce((sum, value) => sum + value, 0);
  let own = 0;
  for (const pid of pids) own += (await processTicks(pid, root)) ?? 0;
  return { total, busy: total - ticks[3]! - ticks[4]!, own };
}

/** The share of all processors' time that other processes took between two readings, 0 to 1. */
export function neighboursShare(before: ProcessorTime | null, after: ProcessorTime | null): number | null {
  if (before === null || after === null || after.total <= before.total) return null;
  const others = after.busy - before.busy - (after.own - before.own);
  return Math.min(1, Math.max(0, others / (after.total - before.total)));
}

/** utime and stime, fields 14 and 15 of /proc/<pid>/stat; the second is a name, which may hold spaces. */
async function processTicks(pid: number, root: string): Promise<number | null> {
  const text = await readText(join(root, "proc", String(pid), "stat"));
  if (text === null) return null;
  const fromThird = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(fromThird[11]) + Number(fromThird[12]);
}

const noisyShare = 0.05; // of all processors' time
const noisyLoad = 0.25; // waiting processes for each processor, before anything of ours ran

/** Why its numbers are to be read with care; none for a quiet machine. `processors`: of the whole machine, as its load is. */
export function machineWarnings(
  { governor, load }: MachineFacts,
  neighbours: number | null,
  processors = cpus().length,
): readonly string[] {
  const percent = (share: number): string => `${Number((100 * share).toFixed(1))} %`;
  return [
    ...(load !== null && load > noisyLoad * processors
      ? [`a load of ${load} on ${processors} processors before the first point`]
      : []),
    ...(neighbours !== null && neighbours > noisyShare
      ? [`other processes took ${percent(neighbours)} of the processors' time while points ran`]
      : []),
    ...(governor !== null && governor !== "performance"
      ? [`the processor's frequency is governed by "${governor}", not "performance"`]
      : []),
  ];
}

async function readText(path: string): Promise<string | null> {
  return readFile(path, "utf8").catch(() => null); // not told by this system, or not to us
}
