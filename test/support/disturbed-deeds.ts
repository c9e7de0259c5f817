/** Commands of deeds.ts, each with a disturbance, as a process or in this one. */
import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { drawKeys, randomShare } from "../../harness/statistics/random.ts";
import { runProcess } from "./command-process.ts";
import type { Ended } from "./command-process.ts";
import type { Deed } from "./deeds.ts";
import { disturbed, observerOf } from "./disturbance.ts";
import type { Disturbance } from "./disturbance.ts";
import { halves, watchFileCalls } from "./file-calls.ts";
import { rounds } from "./long-form.ts";
import { temporaryFolder } from "./temporary-files.ts";

/** What is disturbed, but for the folder that it is in. */
export type DeedDisturbance = Pick<Disturbance, "calls" | "what"> & Partial<Omit<Disturbance, "within">>;

export type DeedHere = Deed & Required<Pick<Deed, "here">>;

export interface Undisturbed {
  /** A new folder that has what the command needs. */
  readonly fresh: () => string;
  /** Moments of these calls that an undisturbed command passes. */
  readonly count: number;
  /** What it leaves. */
  readonly whole: string;
}

/** Does the deed once, as a process, and counts. */
export async function undisturbed(deed: Deed, calls: Disturbance["calls"]): Promise<Undisturbed> {
  const countIn = join(temporaryFolder(), "count");
  const fresh = await freshFolders(deed);
  const folder = fresh();
  const { code, err } = doAsProcess(deed, folder, { calls, what: "none", countIn });
  assert.equal(code, 0, err);
  return { fresh, count: Number(readFileSync(countIn, "utf8")), whole: deed.left(folder) };
}

/** Does the deed once, in this process, and counts. */
export async function undisturbedHere(deed: DeedHere, calls: Disturbance["calls"]): Promise<Undisturbed> {
  const fresh = await freshFolders(deed);
  const folder = fresh();
  const { code, err, counted } = await doHere(deed, folder, { calls, what: "none" });
  assert.equal(code, 0, err);
  return { fresh, count: counted, whole: deed.left(folder) };
}

async function freshFolders(deed: Deed): Promise<() => string> {
  const prepared = temporaryFolder();
  await deed.prepare?.(prepared);
  return () => {
    const folder = temporaryFolder();
    cpSync(prepared, folder, { recursive: true });
    return folder;
  };
}

/** The command as a process, with this disturbance of its calls below `folder`; unset: none. */
export function doAsProcess({ command, words }: Deed, folder: string, disturbance?: DeedDisturbance): Ended {
  const env = disturbance === undefined ? {} : disturbed({ at: null, ...disturbance, within: [folder] });
  return runProcess(folder, { command, words, env });
}

/** The command once more, undisturbed: in this process where it can be done here. */
export async function doAgain(deed: Deed, folder: string): Promise<Ended> {
  return (await deed.here?.(folder, ...deed.words)) ?? doAsProcess(deed, folder);
}

/** The command in this process, with this disturbance; `counted`: the moments it passed. */
export async function doHere(
  deed: DeedHere,
  folder: string,
  disturbance: DeedDisturbance,
): Promise<Ended & { readonly counted: number }> {
  const whole = { of: "command", at: null, isLasting: false, isHalved: false, ...disturbance } as const;
  const { observe, counted } = observerOf({ ...whole, within: [folder] });
  const unwatch = await watchFileCalls(observe, whole.isHalved ? halves : {});
  try {
    return { ...(await deed.here(folder, ...deed.words)), counted: counted() };
  } finally {
    unwatch();
  }
}

/** Fails, with the first lines that differ, where the folder does not hold what an undisturbed command leaves. */
export function assertWhole(deed: Deed, folder: string, whole: string, when: string): void {
  const [found, expected] = [deed.left(folder), whole].map((text) => text.split("\n"));
  const at = expected!.findIndex((line, index) => line !== found![index]);
  if (at === -1 && found!.length === expected!.length) return;
  const line = (lines: readonly string[]): string => (lines.at(at) ?? "nothing").slice(0, 300);
  assert.fail(`${deed.name}, ${when}: found ${line(found!)}, expected ${line(expected!)}`);
}

const keys = drawKeys(2101, 0);

/** Every moment in the long form; `short` of them, drawn, in the short one. */
export function chosenMoments(count: number, short: number): readonly number[] {
  const most = rounds({ short, long: count });
  if (count <= most) return Array.from({ length: count }, (_, index) => index + 1);
  return Array.from({ length: most }, (_, index) => 1 + Math.floor(count * randomShare(keys, index)));
}
