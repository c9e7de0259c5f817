/** Classes of machines whose times can be compared: equal processor, cores, threads, processes, system and device. */
import type { RunRecord } from "./run-record.ts";

/**
 * `Some Processor, 8 cores, 8 threads, linux x64`. The size of memory and the system's release are not part of it,
 * since they hardly affect times. `unknown` for an imported run.
 */
export function machineClassOf({ processor, device }: Pick<RunRecord, "processor" | "device">): string {
  if (processor === undefined) return "unknown";
  const { model, cores, threads, workers = 1, platform } = processor;
  const [system = "", ...rest] = platform.split(" ");
  const counts = [`${cores} cores`, `${threads} threads`, ...(workers > 1 ? [`${workers} workers`] : [])];
  const beside = device === undefined ? [] : [`${device.provider} on ${device.name ?? "unknown"}`];
  return [model, ...counts, `${system} ${rest.at(-1) ?? ""}`.trim(), ...beside].join(", ");
}
