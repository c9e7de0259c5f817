/** Which machines are alike enough that their times can be compared: processor, cores, threads, processes, system, device. */
import type { RunRecord } from "./run-record.ts";

/** `Some Processor, 8 cores, 8 threads, linux x64`. Not the memory's size or the system's release: they move no time much. */
export function machineClassOf({ processor, device }: Pick<RunRecord, "processor" | "device">): string {
  const { model, cores, threads, workers = 1, platform } = processor;
  const [system = "", ...rest] = platform.split(" ");
  const counts = [`${cores} cores`, `${threads} threads`, ...(workers > 1 ? [`${workers} workers`] : [])];
  const beside = device === undefined ? [] : [`${device.provider} on ${device.name ?? "unknown"}`];
  return [model, ...counts, `${system} ${rest.at(-1) ?? ""}`.trim(), ...beside].join(", ");
}
