/** Finds the folders of shards, by the run that they are parts of. */
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { recordName, shardsName } from "../../reports/records/run-files.ts";
import { RunFolderError } from "../../reports/records/run-folder-error.ts";

export interface ShardedRun {
  /** Where the merged run belongs. */
  readonly path: string;
  /** Folders of its shards. */
  readonly shards: readonly string[];
}

const depth = 4; // <prompt>/<model>/<precision>/<task>, which `run` makes for several

/**
 * Shards below `output`, and below `others`, which hold copies of such a folder, or of shards: artifacts of CI. Runs stand
 * apart by their folders <model>/<task>. Throws a RunFolderError where there is none.
 */
export async function findShards(output: string, others: readonly string[]): Promise<readonly ShardedRun[]> {
  const found = new Map<string, string[]>();
  for (const root of new Set([output, ...others])) {
    const shards = await shardsBelow(root);
    if (shards.length === 0 && root !== output) {
      throw new RunFolderError(
        `${root}: no shard in it. Give folders that \`run --shard\` has written, or copies of them.`,
      );
    }
    for (const { place, path } of shards) found.set(place, [...(found.get(place) ?? []), path]);
  }
  if (found.size === 0) {
    throw new RunFolderError(
      `${output}: no shards in it or in <model>/<task> below it. Give the folder that \`run --shard … --output\` was given.`,
    );
  }
  const key = (place: string): string => place.replaceAll(sep, "\0"); // "a/b" stands before "a-c/b"
  return [...found]
    .sort(([a], [b]) => (key(a) < key(b) ? -1 : 1))
    .map(([place, shards]) => ({ path: join(output, place), shards }));
}

/** Shards below `root`, by the folders <model>/<task> that they are in; or `root` itself, or the runs in it. */
async function shardsBelow(root: string): Promise<readonly { readonly place: string; readonly path: string }[]> {
  const shards: { readonly place: string; readonly path: string }[] = [];
  for (const parent of await foldersWithShards(root, depth)) {
    const place = relative(root, parent);
    for (const path of await runsIn(join(parent, shardsName))) shards.push({ place, path });
  }
  if (shards.length > 0) return shards;
  const runs = (await isRun(root)) ? [root] : await runsIn(root);
  return runs.map((path) => ({ place: "", path }));
}

/** The folder itself and those below it that hold a folder of shards. */
async function foldersWithShards(folder: string, levels: number): Promise<readonly string[]> {
  const names = await foldersIn(folder);
  const own = names.includes(shardsName) ? [folder] : [];
  if (levels === 0) return own;
  const below: string[] = [];
  for (const name of names) {
    if (name !== shardsName) below.push(...(await foldersWithShards(join(folder, name), levels - 1)));
  }
  return [...own, ...below];
}

async function runsIn(folder: string): Promise<readonly string[]> {
  const runs: string[] = [];
  for (const name of await foldersIn(folder)) {
    const path = join(folder, name);
    if (await isRun(path)) runs.push(path);
  }
  return runs;
}

async function isRun(folder: string): Promise<boolean> {
  return (await readdir(folder).catch((): string[] => [])).includes(recordName);
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []); // the caller says that there are none
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}
