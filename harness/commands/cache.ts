/** `blip2-bench cache`: what is kept of converted and quantized weights; whether it is whole; removing it. */
import {
  listWeightCache,
  removeWeightCacheEntry,
  verifyWeightCacheEntry,
} from "../../models/checkpoint/weight-cache-entries.ts";
import type { WeightCacheEntry } from "../../models/checkpoint/weight-cache-entries.ts";
import { CheckpointError } from "../../models/model.ts";
import { formatColumns } from "../../reports/table.ts";
import { completeCode } from "../exit-code.ts";
import { cacheHelp, refuseExcess, refuseFlagsAsValues, withOutputFlags } from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { cacheFolderOf } from "../run-config.ts";
import { unknownName } from "../usage-error.ts";

const cacheActions = ["ls", "verify", "prune"] as const;
type CacheAction = (typeof cacheActions)[number];

interface CacheFlags extends OutputFlags {
  readonly cache?: string;
  readonly all?: boolean;
}

export const addCache: AddCommand = (program, called) => {
  const command = program
    .command("cache")
    .description("converted weights that are kept between runs: ls, verify, prune");
  command
    .argument("[ls|verify|prune]")
    .option("--all", "prune: remove what is whole, too")
    .option("--cache <folder>", cacheHelp);
  withOutputFlags(command).action(() => {
    const [word = "ls"] = command.args;
    const what = cacheActions.find((action) => action === word);
    if (what === undefined && !word.startsWith("-")) {
      throw unknownName(`cache ${word}`, "action", { name: word, names: cacheActions });
    }
    refuseExcess(command, 1);
    refuseFlagsAsValues(command);
    const flags = command.opts<CacheFlags>();
    called({ flags, perform: (surroundings) => manageCache(what ?? "ls", flags, surroundings) });
  });
};

interface Found extends WeightCacheEntry {
  readonly damage: string | null;
}

/** Gives the exit code. Damage that is found is an error; `prune` removes it instead. */
async function manageCache(
  action: CacheAction,
  { all: isAll = false, cache }: CacheFlags,
  { cacheFolder, terminal, isJson }: Surroundings,
): Promise<number> {
  const folder = cacheFolderOf(cache, cacheFolder);
  const found: Found[] = [];
  for (const entry of await listWeightCache(folder)) {
    const isRead = action !== "ls" && entry.state === "finished" && !(action === "prune" && isAll);
    found.push({ ...entry, damage: isRead ? await verifyWeightCacheEntry(entry) : null });
  }
  const shown = action === "prune" ? found.filter((entry) => isAll || isUseless(entry)) : found;
  if (action === "prune") for (const entry of shown) await removeWeightCacheEntry(entry);

  if (isJson) terminal.result(JSON.stringify({ folder, entries: shown }, null, 2));
  else terminal.result(describe(action, folder, shown));
  const damaged = found.flatMap(({ damage }) => damage ?? []);
  if (action === "verify" && damaged.length > 0) {
    throw new CheckpointError(
      `${damaged.join("\n")}\nThe next run that needs it makes it anew; blip2-bench cache prune removes it.`,
    );
  }
  return completeCode;
}

/** Nothing will read it: not finished, of another version, or damaged. */
function isUseless({ state, damage }: Found): boolean {
  return state !== "finished" || damage !== null;
}

function describe(action: CacheAction, folder: string, entries: readonly Found[]): string {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const total = megabytes(entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  if (entries.length === 0) return `${folder}: ${action === "prune" ? "nothing to remove" : "no weights are kept"}`;
  const table = formatColumns(
    ["checkpoint", "weights", "size", "state", "folder"],
    entries.map((entry) => [
      entry.checkpoint ?? "unknown",
      entry.what ?? entry.kind,
      megabytes(entry.sizeBytes),
      entry.damage !== null ? "damaged" : action === "verify" && entry.state === "finished" ? "whole" : entry.state,
      entry.folder,
    ]),
    ["left", "left", "right"],
  );
  return `${table}\n${action === "prune" ? "removed" : "kept"}: ${total} in ${folder}`;
}
