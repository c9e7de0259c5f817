/**
 * `blip2-bench cache`: lists, verifies and removes what is kept on disk: converted weights, image features, files from
 * the hub.
 */
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
import { left, right, tableOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import type { ColumnOf } from "../../../reports/tables/table.ts";
import { completeCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import type { CacheValues } from "./declared/look-after.ts";
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import { describeDamage, describeHubRevisions, findHubRevisions, pruneHubRevisions } from "../pull/hub-revisions.ts";

const cacheActions = ["ls", "verify", "prune"] as const;
type CacheAction = (typeof cacheActions)[number];

type KeptEntry = (WeightCacheEntry | FeatureCacheEntry) & {
  readonly damage: string | null;
  /** Removes the entry; where only the features of some images are damaged, only those. */
  readonly remove: () => Promise<void>;
};

/** Gives the exit code. Damage is an error for `verify`; `prune` removes it. */
export async function cache(
  { all: isAll, revision, cache: folder }: CacheValues,
  [word = "ls"]: readonly string[],
  { hubCache, terminal, isJson }: Surroundings,
): Promise<number> {
  const action = cacheActions.find((one) => one === word);
  if (action === undefined) throw unknownName(`cache ${word}`, "action", { name: word, names: cacheActions });
  if (revision.length > 0 && action !== "prune") {
    throw new UsageError(`cache ${action} --revision: expected prune, which removes revisions.`);
  }
  const hub = action === "prune" ? await pruneHubRevisions(hubCache, revision) : await findHubRevisions(hubCache);
  const found: KeptEntry[] = [];
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
    terminal.result(entriesText(action, folder, shown));
    const ofHub = describeHubRevisions(hub, action === "prune" ? "removed" : "kept");
    if (ofHub !== null) terminal.result(`\n${ofHub}`);
  }
  if (action === "verify") {
    const damaged = found.flatMap(({ damage }) => damage ?? []);
    const ofHub = await describeDamage(hub);
    const advice = "The next run that needs it makes it anew; blip2-bench cache prune removes it.";
    const all = [...damaged, ...(damaged.length > 0 ? [advice] : []), ...(ofHub === null ? [] : [ofHub])];
    if (all.length > 0) throw new CheckpointError(all.join("\n"));
  }
  return completeCode;
}

function wholeFeatures(entry: FeatureCacheEntry): KeptEntry {
  return { ...entry, damage: null, remove: () => removeFeatureCacheEntry(entry) };
}

const damageShown = 3;

/** The entries of damaged image features, which `prune` shows and removes singly. */
function damagedFeatures(
  entry: FeatureCacheEntry,
  damaged: readonly DamagedFeatures[],
  action: CacheAction,
): KeptEntry {
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

/** Whether no run will ever read the entry: it is unfinished, from another version, or damaged. */
function isUseless({ state, damage }: KeptEntry): boolean {
  return state !== "finished" || damage !== null;
}

function entriesText(action: CacheAction, folder: string, entries: readonly KeptEntry[]): string {
  if (entries.length === 0) return `${folder}: ${action === "prune" ? "nothing to remove" : "nothing is kept"}`;
  const total = megabytes(entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  const columns: readonly ColumnOf<KeptEntry>[] = [
    left("checkpoint", ({ checkpoint }) => checkpoint ?? "unknown"),
    left("what", ({ what, kind }) => what ?? kind),
    right("size", ({ sizeBytes }) => megabytes(sizeBytes)),
    left("state", ({ state, damage }) => {
      if (damage !== null) return "damaged";
      return action === "verify" && state === "finished" ? "whole" : state;
    }),
    left("folder", (entry) => entry.folder),
  ];
  return `${tableToText(tableOf(columns, entries))}\n${action === "prune" ? "removed" : "kept"}: ${total} in ${folder}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
