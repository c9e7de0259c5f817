/** Lists the revisions in the Hugging Face cache, and removes them. */
import { mkdir, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  repositoriesInHuggingFaceCache,
  repositoryFolder,
  shownHubName,
} from "../../../models/checkpoint/hugging-face-cache.ts";
import type { HubName, HubRepository, RepositoryKind } from "../../../models/checkpoint/hugging-face-cache.ts";
import { lockFree } from "../network/lock-path.ts";
import { PullError } from "../network/pull-error.ts";
import { filesBelow, lockOfBlob, nameBelow, partialEnd, readRef, snapshotFolder } from "./cache-layout.ts";
import { checkpointFiles } from "./checkpoint-files.ts";
import type { FileChoice } from "./list-files.ts";
import { mirrorFiles, partsOf } from "./mirror-files.ts";
import { findPulled } from "./pull-repository.ts";

export interface CachedRevision extends HubRepository {
  readonly commit: string;
  /** Branches and tags that pointed to it when the hub was last asked. */
  readonly refs: readonly string[];
  /** Size of its files; other revisions may share some of them. */
  readonly sizeBytes: number;
  readonly isWhole: boolean;
  readonly folder: string;
}

/** The splits of which a mirror's snapshot in the cache has files, by the names in these. */
export async function cachedParts(cacheFolder: string, name: HubName): Promise<readonly string[]> {
  const commit = await readRef(cacheFolder, name);
  return commit === null ? [] : partsIn(snapshotFolder(cacheFolder, name, commit));
}

async function partsIn(snapshot: string): Promise<readonly string[]> {
  return partsOf((await filesBelow(snapshot)).map((path) => nameBelow(snapshot, path)));
}

/** All revisions in the cache, sorted by name: of checkpoints, then of mirrors. */
export async function listRevisions(cacheFolder: string): Promise<readonly CachedRevision[]> {
  const revisions: CachedRevision[] = [];
  for (const repository of await listRepositories(cacheFolder)) {
    const folder = repositoryFolder(cacheFolder, repository);
    const refs = await readRefs(folder);
    for (const commit of await namesIn(join(folder, "snapshots"))) {
      const snapshot = join(folder, "snapshots", commit);
      let sizeBytes = 0;
      for (const path of await filesBelow(snapshot)) sizeBytes += (await stat(path).catch(() => null))?.size ?? 0;
      const choice = repository.kind === "models" ? checkpointFiles : mirrorFiles(await partsIn(snapshot));
      const isWhole = await isPulled(cacheFolder, { ...repository, revision: commit }, choice);
      const named = [...refs].filter(([, each]) => each === commit).map(([name]) => name);
      revisions.push({ ...repository, commit, refs: named, sizeBytes, isWhole, folder: snapshot });
    }
  }
  return revisions;
}

/**
 * The cached revisions that a name means; `owner/name` without a revision means all. Throws a PullError where there is
 * none.
 */
export function revisionsNamed(
  revisions: readonly CachedRevision[],
  name: HubName,
  isRevisionNamed: boolean,
): readonly CachedRevision[] {
  const { kind, repository, revision } = name;
  const found = revisions.filter(
    (each) =>
      each.kind === kind &&
      each.repository === repository &&
      (!isRevisionNamed || each.commit === revision || each.refs.includes(revision)),
  );
  if (found.length > 0) return found;
  throw new PullError(`${shownHubName(name)}: not in the Hugging Face cache. blip2-bench cache ls shows what is.`);
}

/** Removes a revision, its refs, and the blobs that no other revision uses. Returns the number of bytes freed. */
export async function removeRevision(cacheFolder: string, revision: CachedRevision): Promise<number> {
  const folder = repositoryFolder(cacheFolder, revision);
  for (const ref of revision.refs) await rm(join(folder, "refs", ref), { force: true });
  const own = await blobsOf(revision.folder);
  await rm(revision.folder, { recursive: true, force: true });
  await rm(join(folder, "trees", `${revision.commit}.json`), { force: true });
  const kept = new Set<string>();
  for (const commit of await namesIn(join(folder, "snapshots"))) {
    for (const blob of await blobsOf(join(folder, "snapshots", commit))) kept.add(blob);
  }
  let freedBytes = 0;
  for (const blob of own) {
    if (kept.has(blob)) continue;
    const path = join(folder, "blobs", blob);
    freedBytes += (await stat(path).catch(() => null))?.size ?? 0;
    await rm(path, { force: true });
  }
  if ((await namesIn(join(folder, "snapshots"))).length === 0) await rm(folder, { recursive: true, force: true });
  return freedBytes;
}

/** An incomplete download. */
export interface PartialBlob extends HubRepository {
  readonly path: string;
  /** The file that is locked while it is fetched. */
  readonly lock: string;
  readonly sizeBytes: number;
}

/** Incomplete downloads, which `pull` would resume. */
export async function listPartialBlobs(cacheFolder: string): Promise<readonly PartialBlob[]> {
  const partial: PartialBlob[] = [];
  for (const repository of await listRepositories(cacheFolder)) {
    const blobs = join(repositoryFolder(cacheFolder, repository), "blobs");
    for (const name of await namesIn(blobs)) {
      if (!name.endsWith(partialEnd)) continue;
      const found = await stat(join(blobs, name)).catch(() => null);
      if (found === null) continue;
      const lock = lockOfBlob(cacheFolder, repository, name.slice(0, -partialEnd.length));
      partial.push({ ...repository, path: join(blobs, name), lock, sizeBytes: found.blocks * blockBytes });
    }
  }
  return partial;
}

/** Unit of `blocks` in the result of stat(2), whatever the block size of the file system. */
const blockBytes = 512;

/** Removes it, unless a process fetches it at the moment. Returns whether it was removed. */
export async function removePartialBlob({ path, lock }: PartialBlob): Promise<boolean> {
  await mkdir(dirname(lock), { recursive: true });
  const unlock = await lockFree(lock);
  if (unlock === null) return false;
  try {
    await rm(path, { force: true });
    await rm(`${path}.json`, { force: true });
    return true;
  } finally {
    await unlock();
  }
}

async function isPulled(cacheFolder: string, name: HubName, choice: FileChoice): Promise<boolean> {
  try {
    return (await findPulled(cacheFolder, name, choice)) !== null;
  } catch (error) {
    if (error instanceof PullError) return false; // nothing that this program could use, such as weights as pickles alone
    throw error;
  }
}

async function listRepositories(cacheFolder: string): Promise<readonly HubRepository[]> {
  const ofKind = async (kind: RepositoryKind): Promise<readonly HubRepository[]> =>
    (await repositoriesInHuggingFaceCache(cacheFolder, kind)).map((repository) => ({ kind, repository }));
  return [...(await ofKind("models")), ...(await ofKind("datasets"))];
}

async function readRefs(folder: string): Promise<ReadonlyMap<string, string>> {
  const refs = new Map<string, string>();
  for (const path of await filesBelow(join(folder, "refs"))) {
    refs.set(nameBelow(join(folder, "refs"), path), (await readFile(path, "utf8")).trim());
  }
  return refs;
}

async function blobsOf(snapshot: string): Promise<readonly string[]> {
  const blobs: string[] = [];
  for (const path of await filesBelow(snapshot)) {
    // null: the file is a copy, as on systems without symbolic links
    const target = await readlink(path).catch(() => null);
    if (target !== null) blobs.push(basename(target));
  }
  return blobs;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}
