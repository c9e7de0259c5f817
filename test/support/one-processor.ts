/** Processes that are bound to one processor, with util-linux's taskset. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export function isTasksetThere(): boolean {
  return process.platform === "linux" && spawnSync("taskset", ["-c", firstProcessor(), "true"]).status === 0;
}

/** One that this process may use, as taskset takes it. */
export function firstProcessor(): string {
  const status = readFileSync("/proc/self/status", "utf8");
  return /^Cpus_allowed_list:\s*(\d+)/m.exec(status)?.[1] ?? "0"; // "0-3,8"
}
