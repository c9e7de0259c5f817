/** Which machines are alike enough that their times can be compared: processor, cores, threads, processes, system. */
import type { RunRecord } from "./run-record.ts";

/** `Some Processor, 8 cores, 8 threads, linux x64`. Not the memory's size or the system's release: they move no time much. */
export function machineClassOf({ processor }: Pick<RunRecord, "processor">): string {
  const { model, cores, threads, workers = 1, platform } = processor;
  const [system = "", ...rest] = platform.split(" ");
  const counts = [`${cores} cores`, `${threads} threads`, ...(workers > 1 ? [`${workers} workers`] : [])];
  return [model, ...counts, `${system} ${rest.at(-1) ?? ""}`.trim()].join(", ");
}
