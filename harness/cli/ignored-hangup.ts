/**
 * Whether this process was told to outlive its terminal, as by `nohup` or a shell's `trap '' HUP`: both let it start with SIGHUP
 * ignored. Node undoes that when it starts (20.20, 22.23 and 24.21 do), so what they leave besides is looked for. Of Linux,
 * but for the environment's word.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

/** `env`: of the process; shells put the program they started into `_`. */
export function isHangupIgnored(env: Readonly<Record<string, string | undefined>>): boolean {
  return basename(env["_"] ?? "") === "nohup" || isStdinOfNohup() || ["self", process.ppid].some(ignoresHangup);
}

/** Where nohup is started at a terminal, what it starts gets as its input /dev/null, opened for writing: reading it fails. */
function isStdinOfNohup(): boolean {
  const writeOnly = 1; // O_WRONLY
  const accessMode = 3; // O_ACCMODE
  try {
    const [, flags = ""] = /^flags:\s*(\d+)$/m.exec(readFileSync("/proc/self/fdinfo/0", "utf8")) ?? [];
    return readlinkSync("/proc/self/fd/0") === "/dev/null" && (Number.parseInt(flags, 8) & accessMode) === writeOnly;
  } catch {
    return false; // another system than Linux
  }
}

/** A child starts with the signals ignored that its parent ignores. */
function ignoresHangup(pid: number | string): boolean {
  const hangup = 1n; // the lowest bit is of signal 1
  try {
    const [, mask = "0"] = /^SigIgn:\s*([\da-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return (BigInt(`0x${mask}`) & hangup) !== 0n;
  } catch {
    return false; // another system than Linux, or another user's process
  }
}
