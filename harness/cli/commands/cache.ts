/** `blip2-bench cache`: what is kept of converted weights, of image features and of the hub; whether it is whole; removing it. */
import {
  listWeightCache,
  removeWeightCacheEntry,
  verifyWeightCacheEntry,
} from "../../../models/checkpoint/weight-cache-entries.ts";
import type { WeightCacheEntry } from "../../../models/checkpoint/weight-cache-entries.ts";
import {
  listFeatureCache,
  removeDamagedFeatures,
  removeFeatureCacheEntry,
  verifyFeatureCacheEntry,
} from "../../../models/features/feature-cache-entries.ts";
import type { DamagedFeatures, FeatureCacheEntry } from "../../../models/features/feature-cache-entries.ts";
import { CheckpointError } from "../../../models/model.ts";
import { formatColumns } from "../../../reports/tables/table.ts";
import { completeCode } from "../exit-code.ts";
import { cacheHelp, list, refuseExcess, refuseFlagsAsValues, withOutputFlags } from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { cacheFolderOf } from "../../evaluation/run-config.ts";
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import { describeHubRevisions, findHubRevisions, pruneHubRevisions } from "../pull/hub-revisions.ts";

const cacheActions = ["ls", "verify", "prune"] as const;
type CacheAction = (typeof cacheActions)[number];

interface CacheFlags extends OutputFlags {
  readonly cache?: string;
  readonly all?: boolean;
  readonly revision?: readonly string[];
}

export const addCache: AddCommand = (program, called) => {
  const command = program
    .command("cache")
    .description(
      "weights and image features that are kept between runs, and revisions from the hub: ls, verify, prune",
    );
  command
    .argument("[ls|verify|prune]")
    .option("--all", "prune: remove weights and features that are whole, too")
    .option(
      "--revision <names>",
      "prune: remove these from the Hugging Face cache, owner/name or owner/name@revision",
      list,
    )
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

type Found = (WeightCacheEntry | FeatureCacheEntry) & {
  readonly damage: string | null;
  /** Where only some images' features are damaged, `prune` removes no more than those. */
  readonly remove: () => Promise<void>;
};

/** Gives the exit code. Damage that is found is an error; `prune` removes it instead. */
async function manageCache(
  action: CacheAction,
  { all: isAll = false, cache, revision = [] }: CacheFlags,
  { cacheFolder, hubCache, terminal, isJson }: Surroundings,
): Promise<number> {
  if (revision.length > 0 && action !== "prune") {
    throw new UsageError(`cache ${action} --revision: expected prune, which removes revisions.`);
  }
  const folder = cacheFolderOf(cache, cacheFolder);
  const hub = action === "prune" ? await pruneHubRevisions(hubCache, revision) : await findHubRevisions(hubCache);
  const found: Found[] = [];
  const isRead = ({ state }: WeightCacheEntry | FeatureCacheEntry): boolean =>
    action !== "ls" && state === "finished" && !(action === "prune" && isAll);
  for (const entry of await listWeightCache(folder)) {
    const damage = isRead(entry) ? await verifyWeightCacheEntry(entry) : null;
    found.push({ ...entry, damage, remove: () => removeWeightCacheEntry(entry) });
  }
  for (const entry of await listFeatureCache(folder)) {
    const damaged = isRead(entry) ? await verifyFeatureCacheEntry(entry) : [];
    found.push(damaged.length === 0 ? wholeFeatures(entry) : damagedFeatures(entry, damaged, action));
  }
  const shown = action === "prune" ? found.filter((entry) => isAll || isUseless(entry)) : found;
  if (action === "prune") for (const entry of shown) await entry.remove();

  if (isJson) terminal.result(JSON.stringify({ folder, entries: shown, hub }, null, 2));
  else {
    terminal.result(describe(action, folder, shown));
    const ofHub = describeHubRevisions(hub, action === "prune" ? "removed" : "kept");
    if (ofHub !== null) terminal.result(`\n${ofHub}`);
  }
  const damaged = found.flatMap(({ damage }) => damage ?? []);
  if (action === "verify" && damaged.length > 0) {
    throw new CheckpointError(
      `${damaged.join("\n")}\nThe next run that needs it makes it anew; blip2-bench cache prune removes it.`,
    );
  }
  return completeCode;
}

function wholeFeatures(entry: FeatureCacheEntry): Found {
  return { ...entry, damage: null, remove: () => removeFeatureCacheEntry(entry) };
}

const damageShown = 3;

/** `prune` shows and removes the damaged images' alone. */
function damagedFeatures(entry: FeatureCacheEntry, damaged: readonly DamagedFeatures[], action: CacheAction): Found {
  const shown = damaged.slice(0, damageShown).map(({ file, damage }) => `${file}: ${damage}`);
  if (damaged.length > damageShown) shown.push(`${entry.folder}: ${damaged.length - damageShown} more images`);
  const removed = { images: damaged.length, sizeBytes: damaged.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  return {
    ...entry,
    ...(action === "prune" && { ...removed, what: `features of ${damaged.length} of ${entry.images} images` }),
    damage: shown.join("\n"),
    remove: () => removeDamagedFeatures(damaged),
  };
}

/** Nothing will read it: not finished, of another version, or damaged. */
function isUseless({ state, damage }: Found): boolean {
  return state !== "finished" || damage !== null;
}

function describe(action: CacheAction, folder: string, entries: readonly Found[]): string {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const total = megabytes(entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  if (entries.length === 0) return `${folder}: ${action === "prune" ? "nothing to remove" : "nothing is kept"}`;
  const table = formatColumns(
    ["checkpoint", "what", "size", "state", "folder"],
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
