/** Runs in shards by the fake model, in this process: a run of one process, its shards, and what they are merged to. */
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Catalog } from "../../harness/catalog/catalog.ts";
import { callCommand } from "./command-process.ts";
import type { Ended } from "./command-process.ts";
import { fakeCatalog, fakeModel } from "./fakes.ts";

/** Ten windows of up to four questions. */
export const question = ["--model", "fake", "--tasks", "vqav2", "--limit", "40", "--batch-size", "1"];

/** The fake checkpoints on a machine that rounds like this. */
export function roundedCatalog(rounding: string, load = () => Promise.resolve(fakeModel())): Catalog {
  const catalog = fakeCatalog(load);
  return {
    ...catalog,
    findCheckpoint: async (where, options) => ({
      ...(await catalog.findCheckpoint(where, options)),
      rounding: () => Promise.resolve(rounding),
    }),
  };
}

const offered = roundedCatalog("one way");

export function fakeIn(folder: string, ...words: string[]): Promise<Ended> {
  return callCommand(folder, { words, offered });
}

export async function runWhole(folder: string, output: string, words = question): Promise<void> {
  const { code, err } = await fakeIn(folder, "run", ...words, "--no-report", "--output", output);
  assert.equal(code, 0, err);
}

/** Shards by number of n, into `output`. */
export async function runShards(
  folder: string,
  output: string,
  { indices, of, words = question, machine = offered }: ShardsToRun,
): Promise<void> {
  for (const index of indices) {
    const shard = ["--shard", `${index}/${of}`, "--output", output];
    const { code, err } = await callCommand(folder, { words: ["run", ...words, ...shard], offered: machine });
    assert.equal(code, 0, err);
  }
}

interface ShardsToRun {
  readonly indices: readonly number[];
  readonly of: number;
  readonly words?: readonly string[];
  readonly machine?: Catalog;
}

/** Changes a file of a folder, and leaves no checksum that would tell. */
export function change(path: string, name: string, edit: (text: string) => string): void {
  const file = join(path, name);
  const before = readFileSync(file, "utf8");
  const after = edit(before);
  assert.notEqual(after, before, `${name} was to be changed`);
  writeFileSync(file, after);
  rmSync(join(path, "SHA256SUMS"), { force: true });
}
