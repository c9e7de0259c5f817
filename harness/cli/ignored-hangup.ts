/**
 * Finds out whether this process was started to outlive its terminal, by `nohup` or a shell's `trap '' HUP`. Both start
 * it with SIGHUP ignored, but Node resets that when it starts (seen in 20.20, 22.23 and 24.21), so other traces are
 * checked. Only the check of the environment works on other systems than Linux.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

/** `env`: the process's environment, in which shells set `_` to the program that they started. */
export function isHangupIgnored(env: Readonly<Record<string, string | undefined>>): boolean {
  return basename(env["_"] ?? "") === "nohup" || isStdinOfNohup() || ["self", process.ppid].some(ignoresHangup);
}

/** At a terminal, nohup replaces standard input by /dev/null opened for writing only, so that reading it fails. */
function isStdinOfNohup(): boolean {
  const writeOnly = 1; // O_WRONLY
  const accessMode = 3; // O_ACCMODE
  try {
    const [, flags = ""] = /^flags:\s*(\d+)$/m.exec(readFileSync("/proc/self/fdinfo/0", "utf8")) ?? [];
    return readlinkSync("/proc/self/fd/0") === "/dev/null" && (Number.parseInt(flags, 8) & accessMode) === writeOnly;
  } catch {
    return false; // not Linux
  }
}

/** Whether a process ignores SIGHUP. A child inherits the ignored signals of its parent. */
function ignoresHangup(pid: number | string): boolean {
  const hangup = 1n; // bit 0 stands for signal 1
  try {
    const [, mask = "0"] = /^SigIgn:\s*([\da-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return (BigInt(`0x${mask}`) & hangup) !== 0n;
  } catch {
    return false; // not Linux, or a process of another user
  }
}
