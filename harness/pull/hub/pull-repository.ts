/** Fetches a checkpoint, or a mirror of a data set, from the hub into the Hugging Face cache, in the layout of huggingface_hub. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { repositoryFolder, shownHubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import type { HubName, HubRepository } from "../../../models/checkpoint/hugging-face-cache.ts";
import { downloadFile } from "../network/download-file.ts";
import type { Network } from "../network/network.ts";
import { keptBytes } from "../network/partial-file.ts";
import { PullError } from "../network/pull-error.ts";
import { refuseFullDisk } from "../network/refuse-full-disk.ts";
import type { RemoteFile } from "../network/remote-file.ts";
import {
  blobPlace,
  filesBelow,
  isInSnapshot,
  linkBlob,
  nameBelow,
  partialEnd,
  readRef,
  readTree,
  snapshotFolder,
  writeRef,
  writeTree,
} from "./cache-layout.ts";
import { hubPage, refusalOf } from "./hub.ts";
import type { HubSettings } from "./hub.ts";
import { listFiles, resolveRevision } from "./list-files.ts";
import type { FileChoice, HubFile } from "./list-files.ts";

export interface PulledRepository extends HubName {
  /** The commit that the revision points to. */
  readonly commit: string;
  /** Folder of the snapshot. */
  readonly folder: string;
  readonly files: readonly PulledFile[];
}

export interface PulledFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Whether it was complete in the cache already. */
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

/**
 * Fetches the chosen files of a repository. The snapshot's links are made when all files are complete, and the ref is written last, so a
 * ref always points to files that are complete.
 */
export async function pullRepository(
  network: Network,
  hub: HubSettings,
  {
    name,
    choice,
    onPlan,
  }: { readonly name: HubName; readonly choice: FileChoice; readonly onPlan: (plan: PullPlan) => void },
): Promise<PulledRepository> {
  if (hub.isOffline) return pulledBefore(hub, name, choice);
  const { cacheFolder } = hub;
  const commit = await resolveRevision(network, hub, name);
  const known = await readTree(cacheFolder, name, commit);
  const all = known ?? (await listFiles(network, hub, { name, commit }));
  const chosen = choice.of(shownHubName(name), all);
  const places = chosen.map((file) => ({ file, place: blobPlace(cacheFolder, name, file) }));
  const missing: typeof places = [];
  for (const each of places) if (!(await isWhole(each.place.path, each.file))) missing.push(each);
  const missingBytes = sum(missing.map(({ file }) => file));
  onPlan({ name: shownHubName(name), commit, files: chosen.length, totalBytes: sum(chosen), missingBytes });
  await refuseFullDisk({
    what: shownHubName(name),
    folder: cacheFolder,
    neededBytes: await missingRoom(missing),
    advice: "name another folder in HF_HOME",
  });

  const refuse = refusalOf(hub, name);
  const stop = new AbortController();
  const stoppable = { ...network, signal: AbortSignal.any([network.signal, stop.signal]) };
  const fetching = missing.map(({ file, place }) =>
    downloadFile(stoppable, { ...remoteFile(hub, name, commit, file), refuse }, place),
  );
  try {
    await Promise.all(fetching);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(fetching); // after an error, waits until all downloads have saved what they received
    throw error;
  }

  const folder = snapshotFolder(cacheFolder, name, commit);
  if (known === null) await writeTree(cacheFolder, { repository: name, commit, files: all });
  for (const { file, place } of places) await linkBlob(place.path, join(folder, file.path));
  await writeRef(cacheFolder, name, commit);
  const isMissing = new Set(missing.map(({ file }) => file));
  const files = chosen.map((file) => ({ path: file.path, sizeBytes: file.sizeBytes, wasHere: !isMissing.has(file) }));
  return { ...name, commit, folder, files };
}

function remoteFile({ endpoint }: HubSettings, repository: HubRepository, commit: string, file: HubFile): RemoteFile {
  const digest = file.sha256 === null ? ("git-sha1" as const) : ("sha256" as const);
  return {
    name: file.path,
    url: `${hubPage(endpoint, repository)}/resolve/${commit}/${file.path.split("/").map(encodeURIComponent).join("/")}`,
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

async function missingRoom(
  missing: readonly { readonly file: HubFile; readonly place: { readonly partial: string } }[],
): Promise<number> {
  let neededBytes = 0;
  for (const { file, place } of missing) neededBytes += file.sizeBytes - (await keptBytes(place.partial));
  return neededBytes;
}

/** What is in the cache, without network access. Throws a PullError where it is not complete. */
async function pulledBefore(hub: HubSettings, name: HubName, choice: FileChoice): Promise<PulledRepository> {
  const found = await findPulled(hub.cacheFolder, name, choice);
  if (found !== null) return found;
  throw new PullError(
    `${shownHubName(name)}: not, or not all of it, in ${hub.cacheFolder}, and HF_HUB_OFFLINE forbids to fetch it. Unset it.`,
  );
}

/** The chosen files, complete in the cache; null where one is missing. */
export async function findPulled(
  cacheFolder: string,
  name: HubName,
  choice: FileChoice,
): Promise<PulledRepository | null> {
  const commit = await readRef(cacheFolder, name);
  if (commit === null) return null;
  const folder = snapshotFolder(cacheFolder, name, commit);
  const tree = await readTree(cacheFolder, name, commit);
  const files = tree === null ? await filesIn(folder, choice) : choice.of(shownHubName(name), tree);
  if (files === null) return null;
  for (const file of files) if (!(await isInSnapshot(folder, file))) return null;
  const found = files.map(({ path, sizeBytes }) => ({ path, sizeBytes, wasHere: true }));
  return { ...name, commit, folder, files: found };
}

/** Bytes that unfinished downloads of a repository have received. */
export async function keptOf(cacheFolder: string, repository: HubRepository): Promise<number> {
  const blobs = join(repositoryFolder(cacheFolder, repository), "blobs");
  const names = await readdir(blobs).catch(() => []);
  let kept = 0;
  for (const name of names) if (name.endsWith(partialEnd)) kept += await keptBytes(join(blobs, name));
  return kept;
}

/** The files of a snapshot that another program made without a list of files. null where not all that are wanted are there. */
async function filesIn(folder: string, choice: FileChoice): Promise<readonly HubFile[] | null> {
  const files: HubFile[] = [];
  for (const path of await filesBelow(folder)) {
    const found = await stat(path).catch(() => null);
    if (found?.isFile() !== true) continue;
    files.push({
      path: nameBelow(folder, path),
      sizeBytes: found.size,
      gitSha1: "",
      sha256: null,
      xetHash: null,
    });
  }
  return choice.areAll(files.map(({ path }) => path)) ? files : null;
}
