/** What goes wrong with a process's calls of the file system, and when. */
import { closeSync, openSync } from "node:fs";
import { resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { FileCall, Observer } from "./file-calls.ts";

const fileCalls: readonly [FileCall, ...FileCall[]] = [
  ...(["open", "read", "list", "look", "make", "write", "copy", "sync", "rename", "remove", "truncate"] as const),
];

/** Calls that change what is on disk. */
export const changingCalls: readonly FileCall[] = ["make", "write", "copy", "sync", "rename", "remove", "truncate"];
/** Calls that need room on the disk. */
export const growingCalls: readonly FileCall[] = ["make", "write", "copy", "sync"];
export const readingCalls: readonly FileCall[] = ["open", "read"];

const disturbanceSchema = z.object({
  /** The process of the command, or one that it starts for a model. */
  of: z.enum(["command", "worker"]).default("command"),
  /** Only calls on paths below these folders count. */
  within: z.array(z.string()),
  calls: z.array(z.enum(fileCalls)).readonly(),
  /** Which moment of those calls, from 1; null: none. */
  at: z.int().positive().nullable(),
  /** "kill", or the system's code that the call fails with, such as ENOSPC. */
  what: z.string(),
  /** Whether all later calls of these kinds fail, too. */
  isLasting: z.boolean().default(false),
  /** Whether every read gives and every write takes about half of what was asked. */
  isHalved: z.boolean().default(false),
  /** A file that is made at that moment; where it is there already, nothing happens. */
  marker: z.string().optional(),
  /** A file for the number of moments, written when the process ends. */
  countIn: z.string().optional(),
});
export type Disturbance = z.infer<typeof disturbanceSchema>;

export const disturbanceVariable = "DISTURBANCE";

/** The environment of a process that is disturbed. */
export function disturbed(disturbance: z.input<typeof disturbanceSchema>): Readonly<Record<string, string>> {
  const preload = new URL("disturb-process.js", import.meta.url);
  return { NODE_OPTIONS: `--import ${preload.href}`, [disturbanceVariable]: JSON.stringify(disturbance) };
}

export function asDisturbance(text: string): Disturbance {
  return disturbanceSchema.parse(JSON.parse(text));
}

/** `counted`: moments that were passed so far. */
export function observerOf({ within, calls, at, what, isLasting, marker }: Disturbance): {
  readonly observe: Observer;
  readonly counted: () => number;
} {
  let count = 0;
  const isWithin = (path: string): boolean =>
    within.some((folder) => path.startsWith(`${folder}${sep}`) || path === folder);
  const observe: Observer = ({ call, path: named, isOpen = false }) => {
    const path = resolve(named.startsWith("file:") ? fileURLToPath(named) : named);
    if (!calls.includes(call) || !isWithin(path)) return null;
    count += 1;
    const isNow = at !== null && (isLasting ? count >= at : count === at);
    if (!isNow || (marker !== undefined && !makeMarker(marker))) return null;
    return () => {
      if (what === "kill") process.kill(process.pid, "SIGKILL");
      throw systemError(what, call, isOpen ? null : path);
    };
  };
  return { observe, counted: () => count };
}

function makeMarker(path: string): boolean {
  try {
    closeSync(openSync(path, "wx"));
    return true;
  } catch {
    return false;
  }
}

/** As Node throws it: errors of open files name no path. */
function systemError(code: string, syscall: FileCall, path: string | null): Error {
  const message = `${code}: made to fail, ${syscall}${path === null ? "" : ` '${path}'`}`;
  return Object.assign(new Error(message), { code, syscall, errno: -1, ...(path !== null && { path }) });
}
