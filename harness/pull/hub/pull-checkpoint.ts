/** Fetches a checkpoint from the hub into the Hugging Face cache, in the layout of huggingface_hub. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { freeBytes } from "../../catalog/machine.ts";
import { repositoryFolder } from "../../../models/checkpoint/hugging-face-cache.ts";
import type { HubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import { downloadFile } from "../network/download-file.ts";
import type { Network } from "../network/network.ts";
import { keptBytes } from "../network/partial-file.ts";
import { PullError } from "../network/pull-error.ts";
import type { RemoteFile } from "../network/remote-file.ts";
import {
  blobPlace,
  partialEnd,
  isInSnapshot,
  linkBlob,
  readRef,
  readTree,
  snapshotFolder,
  writeRef,
  writeTree,
} from "./cache-layout.ts";
import { chooseFiles } from "./choose-files.ts";
import { refusalOf } from "./hub.ts";
import type { HubSettings } from "./hub.ts";
import { listFiles, resolveRevision } from "./list-files.ts";
import type { HubFile } from "./list-files.ts";

export interface PulledCheckpoint {
  /** Repository in the form owner/name. */
  readonly repository: string;
  readonly revision: string;
  /** The commit that the revision points to. */
  readonly commit: string;
  /** Folder of the snapshot. */
  readonly folder: string;
  readonly files: readonly PulledFile[];
}

export interface PulledFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Whether the checkpoint was complete in the cache already. */
  readonly wasHere: boolean;
}

/** What will be fetched; reported before the first byte. */
export interface PullPlan {
  readonly name: string;
  readonly commit: string;
  readonly files: number;
  readonly totalBytes: number;
  /** Bytes that are not in the cache yet. */
  readonly missingBytes: number;
}

export function shownName({ repository, revision }: HubName): string {
  return revision === "main" ? repository : `${repository}@${revision}`;
}

/**
 * Fetches a checkpoint. The snapshot's links are made when all files are complete, and the ref is written last, so a
 * ref always points to a complete checkpoint.
 */
export async function pullCheckpoint(
  network: Network,
  hub: HubSettings,
  { name, onPlan }: { readonly name: HubName; readonly onPlan: (plan: PullPlan) => void },
): Promise<PulledCheckpoint> {
  if (hub.isOffline) return pulledBefore(hub, name);
  const { repository, revision } = name;
  const { cacheFolder } = hub;
  const commit = await resolveRevision(network, hub, name);
  const known = await readTree(cacheFolder, repository, commit);
  const all = known ?? (await listFiles(network, hub, { name, commit }));
  const chosen = chooseFiles(shownName(name), all);
  const places = chosen.map((file) => ({ file, place: blobPlace(cacheFolder, name, file) }));
  const missing: typeof places = [];
  for (const each of places) if (!(await isWhole(each.place.path, each.file))) missing.push(each);
  const missingBytes = sum(missing.map(({ file }) => file));
  onPlan({ name: shownName(name), commit, files: chosen.length, totalBytes: sum(chosen), missingBytes });
  await refuseFullDisk(hub, name, missing);

  const refuse = refusalOf(hub, repository, revision);
  const stop = new AbortController();
  const stoppable = { ...network, signal: AbortSignal.any([network.signal, stop.signal]) };
  const fetching = missing.map(({ file, place }) =>
    downloadFile(stoppable, { ...remoteFile(hub, repository, commit, file), refuse }, place),
  );
  try {
    await Promise.all(fetching);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(fetching); // after an error, waits until all downloads have saved what they received
    throw error;
  }

  const folder = snapshotFolder(cacheFolder, repository, commit);
  if (known === null) await writeTree(cacheFolder, { repository, commit, files: all });
  for (const { file, place } of places) await linkBlob(place.path, join(folder, file.path));
  await writeRef(cacheFolder, name, commit);
  const isMissing = new Set(missing.map(({ file }) => file));
  const files = chosen.map((file) => ({ path: file.path, sizeBytes: file.sizeBytes, wasHere: !isMissing.has(file) }));
  return { repository, revision, commit, folder, files };
}

function remoteFile({ endpoint }: HubSettings, repository: string, commit: string, file: HubFile): RemoteFile {
  const digest = file.sha256 === null ? ("git-sha1" as const) : ("sha256" as const);
  return {
    name: file.path,
    url: `${endpoint}/${repository}/resolve/${commit}/${file.path.split("/").map(encodeURIComponent).join("/")}`,
    sizeBytes: file.sizeBytes,
    digest: { algorithm: digest, accepted: [file.sha256 ?? file.gitSha1] },
  };
}

async function isWhole(blob: string, { sizeBytes }: HubFile): Promise<boolean> {
  const found = await stat(blob).catch(() => null);
  if (found?.isFile() !== true) return false;
  if (found.size === sizeBytes) return true;
  await rm(blob); // a blob of a wrong size cannot be complete
  return false;
}

function sum(files: readonly HubFile[]): number {
  return files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}

async function refuseFullDisk(
  { cacheFolder }: HubSettings,
  name: HubName,
  missing: readonly { readonly file: HubFile; readonly place: { readonly partial: string } }[],
): Promise<void> {
  const free = await freeBytes(cacheFolder);
  if (free === null) return;
  let needed = 0;
  for (const { file, place } of missing) needed += file.sizeBytes - (await keptBytes(place.partial));
  if (needed <= free) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new PullError(
    `${shownName(name)}: ${gigabytes(needed)} are missing, and ${cacheFolder} has room for ${gigabytes(free)}. ` +
      "Make room, or name another folder in HF_HOME.",
  );
}

/** The checkpoint in the cache, without network access. Throws a PullError where it is not complete. */
async function pulledBefore(hub: HubSettings, name: HubName): Promise<PulledCheckpoint> {
  const found = await findPulled(hub.cacheFolder, name);
  if (found !== null) return found;
  throw new PullError(
    `${shownName(name)}: not, or not all of it, in ${hub.cacheFolder}, and HF_HUB_OFFLINE forbids to fetch it. Unset it.`,
  );
}

/** A checkpoint that is complete in the cache; null where it is not. */
export async function findPulled(cacheFolder: string, name: HubName): Promise<PulledCheckpoint | null> {
  const { repository, revision } = name;
  const commit = await readRef(cacheFolder, name);
  if (commit === null) return null;
  const folder = snapshotFolder(cacheFolder, repository, commit);
  const tree = await readTree(cacheFolder, repository, commit);
  const files = tree === null ? await filesIn(folder) : chooseFiles(shownName(name), tree);
  if (files === null) return null;
  for (const file of files) if (!(await isInSnapshot(folder, file))) return null;
  const found = files.map(({ path, sizeBytes }) => ({ path, sizeBytes, wasHere: true }));
  return { repository, revision, commit, folder, files: found };
}

/** Bytes that unfinished downloads of a repository have received. */
export async function keptOf(cacheFolder: string, repository: string): Promise<number> {
  const blobs = join(repositoryFolder(cacheFolder, repository), "blobs");
  const names = await readdir(blobs).catch(() => []);
  let kept = 0;
  for (const name of names) if (name.endsWith(partialEnd)) kept += await keptBytes(join(blobs, name));
  return kept;
}

/**
 * The files of a snapshot that another program made without a list of files. null where its config or a shard of its
 * weights is missing.
 */
async function filesIn(folder: string): Promise<readonly HubFile[] | null> {
  const names = await readdir(folder).catch(() => []);
  const files: HubFile[] = [];
  for (const path of names) {
    const found = await stat(join(folder, path)).catch(() => null);
    if (found?.isFile() === true) {
      files.push({ path, sizeBytes: found.size, gitSha1: "", sha256: null, xetHash: null });
    }
  }
  const weights = files.filter(({ path }) => path.endsWith(".safetensors")).map(({ path }) => path);
  const [, shards] = /-of-(\d+)\.safetensors$/.exec(weights.find((path) => path.startsWith("model-")) ?? "") ?? [];
  const isWhole = shards === undefined ? weights.length > 0 : weights.length >= Number(shards);
  return isWhole && files.some(({ path }) => /^(adapter_)?config\.json$/.test(path)) ? files : null;
}
