/**
 * The part of a run that one process asks, where several share a run. A run's windows have numbers, and a shard is some of
 * them: every n-th, or those that others left. Each shard has window 0 besides its own, so that what two machines answer to
 * one window can be compared when the shards are merged.
 */
import { createHash } from "node:crypto";
import type { SchedulerTask } from "../../reports/records/run-lock.ts";
import type { RunPlan } from "../../reports/records/run-record.ts";

export interface Shard {
  readonly windows: ShardWindows;
  /** The command that asks this shard, for messages when it is missing. */
  readonly command: string;
}

/** `every`: index, index + of, …; `these`: windows that no other shard answered. */
export type ShardWindows =
  | { readonly kind: "every"; readonly index: number; readonly of: number }
  | { readonly kind: "these"; readonly numbers: readonly number[] };

export const controlWindow = 0;

/** A window and its place among all windows of the run, from 0. */
export interface NumberedWindow<S> {
  readonly number: number;
  readonly samples: readonly S[];
}

/** Name of the shard's folder below `shards`: `2-of-16`, or `from-7` for windows that others left. */
export function shardName(windows: ShardWindows): string {
  return windows.kind === "every" ? `${windows.index}-of-${windows.of}` : `from-${windows.numbers[0] ?? 0}`;
}

/** `shard` null: all windows. */
export function windowsOfShard<S>(
  windows: readonly (readonly S[])[],
  shard: Shard | null,
): readonly NumberedWindow<S>[] {
  const numbered = windows.map((samples, number) => ({ number, samples }));
  if (shard === null) return numbered;
  return numbered.filter(({ number }) => number === controlWindow || isIn(shard.windows, number));
}

/** Whether a window is one of the shard's own; its control is not meant. */
export function isIn(windows: ShardWindows, number: number): boolean {
  return windows.kind === "every" ? number % windows.of === windows.index : windows.numbers.includes(number);
}

/** SHA-256 of the sample ids of all windows of a run. */
export function windowsHash(windows: readonly (readonly { readonly id: string }[])[]): string {
  const ids = windows.map((window) => window.map(({ id }) => id));
  return createHash("sha256").update(JSON.stringify(ids)).digest("hex");
}

/** What run.json says of a shard; nothing where one process asks all windows. `windows`: all of the run. */
export function recordedShard(
  { shard, schedulerTask }: { readonly shard: Shard | null; readonly schedulerTask: SchedulerTask | null },
  windows: readonly (readonly { readonly id: string }[])[],
): Pick<RunPlan, "shard"> {
  if (shard === null) return {};
  return {
    shard: {
      name: shardName(shard.windows),
      windows: windows.length,
      windowsHash: windowsHash(windows),
      command: shard.command,
      ...(schedulerTask !== null && { task: schedulerTask.id }),
    },
  };
}
