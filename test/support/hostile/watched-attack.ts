/**
 * An attack on one form in a process of its own that is watched: it may compute for at most two seconds on one file, and its
 * memory may grow by no more than a margin for the engine, the buffers of decoders and what the tests themselves hold.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { endsWithTest } from "../child-processes.ts";
import { projectRoot } from "../project.ts";
import type { Attack } from "./form.ts";

/** What the process says. */
export type Said =
  | { readonly what: "file"; readonly number: number }
  | { readonly what: "done"; readonly grownBytes: number }
  | { readonly what: "failed"; readonly reason: string };

const mostCpuMs = 2000;
/** The damaged files have some kilobytes; the garbage collector lets so much stand. */
const mostGrownBytes = 400e6;
const entry = join(projectRoot, "dist", "test", "support", "hostile", "attack-process.js");

/** Throws an Error that says what was not as it should be. */
export async function attackWatched(form: string, { seed, files }: Attack): Promise<void> {
  const child = fork(entry, [form, String(seed), String(files)], { execArgv: ["--max-old-space-size=512"] });
  endsWithTest(child);
  const seen: { number: number; said: Exclude<Said, { readonly what: "file" }> | null } = { number: 0, said: null };
  child.on("message", (message: Said) => {
    if (message.what === "file") seen.number = message.number;
    else seen.said = message;
  });
  const ended = once(child, "close").then(() => true);
  let [last, sinceMs] = [0, 0];
  while (!(await Promise.race([ended, setTimeout(250, false)]))) {
    const cpuMs = cpuOf(child.pid ?? 0);
    if (seen.number !== last) [last, sinceMs] = [seen.number, cpuMs];
    else if (last > 0 && cpuMs - sinceMs > mostCpuMs) {
      child.kill("SIGKILL");
      throw new Error(`${form}, seed ${seed}: file ${last} takes more than ${mostCpuMs} ms of computing.`);
    }
  }
  const { number, said } = seen;
  if (said === null)
    throw new Error(
      `${form}, seed ${seed}: the process ended at file ${number}, by ${child.signalCode ?? String(child.exitCode)}.`,
    );
  if (said.what === "failed") throw new Error(said.reason);
  if (said.grownBytes > mostGrownBytes) {
    throw new Error(
      `${form}, seed ${seed}: memory grew by ${said.grownBytes} bytes, expected at most ${mostGrownBytes}.`,
    );
  }
}

/** Milliseconds that a process has computed, by fields 14 and 15 of /proc/<pid>/stat, in hundredths of a second; see proc(5). */
function cpuOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0; // it has ended
  }
}
