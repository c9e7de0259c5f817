/**
 * The layout in which huggingface_hub caches a repository (file_download.py, _tree_cache.py 1.29):
 *
 *   .locks/models--owner--name/<blob>.lock     held while a blob is fetched, flock(2)
 *   models--owner--name/                       or datasets--owner--name/
 *     blobs/<sha256 or git sha1>               the contents
 *     snapshots/<commit>/<path>                links into blobs/
 *     refs/<branch or tag>                     the commit that it pointed to when last asked
 *     trees/<commit>.json                      the list of all files of a commit
 */
import { mkdir, readdir, readFile, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { dirname, join, relative, sep } from "node:path";
import * as z from "zod";
import { isCommit, repositoryFolder } from "../../../models/checkpoint/hugging-face-cache.ts";
import type { HubName, HubRepository } from "../../../models/checkpoint/hugging-face-cache.ts";
import { writeFileWhole } from "../../../reports/records/atomic-file.ts";
import type { Place } from "../network/remote-file.ts";
import type { HubFile } from "./list-files.ts";

/**
 * Suffix of an incomplete blob. It differs from the one that older versions of huggingface_hub use.
 */
export const partialEnd = ".blip2-bench.incomplete";

/** Name of a blob: the checksum of its content. */
export function blobName({ sha256, gitSha1 }: HubFile): string {
  return sha256 ?? gitSha1;
}

export function blobPlace(cacheFolder: string, repository: HubRepository, file: HubFile): Place {
  const path = join(repositoryFolder(cacheFolder, repository), "blobs", blobName(file));
  return { path, partial: `${path}${partialEnd}`, lock: lockOfBlob(cacheFolder, repository, blobName(file)) };
}

export function lockOfBlob(cacheFolder: string, repository: HubRepository, blob: string): string {
  const folder = relative(cacheFolder, repositoryFolder(cacheFolder, repository));
  return join(cacheFolder, ".locks", folder, `${blob}.lock`);
}

export function snapshotFolder(cacheFolder: string, repository: HubRepository, commit: string): string {
  return join(repositoryFolder(cacheFolder, repository), "snapshots", commit);
}

/** Links a file's path in the snapshot to its blob. The link is relative, so that the cache can be moved. */
export async function linkBlob(blob: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const target = relative(dirname(path), blob);
  if ((await readlink(path).catch(() => null)) === target) return;
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  await symlink(target, temporary);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Records the commit that a branch or tag points to. Nothing is recorded where the revision is a commit itself. */
export async function writeRef(cacheFolder: string, name: HubName, commit: string): Promise<void> {
  const { revision } = name;
  if (isCommit(revision)) return;
  const path = join(repositoryFolder(cacheFolder, name), "refs", revision);
  const before = await readFile(path, "utf8").catch(() => null);
  if (before === commit) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFileWhole(path, commit);
}

/** The commit that a revision pointed to when the hub was last asked; null: never asked. */
export async function readRef(cacheFolder: string, name: HubName): Promise<string | null> {
  const { revision } = name;
  if (isCommit(revision)) return revision;
  const path = join(repositoryFolder(cacheFolder, name), "refs", revision);
  const commit = (await readFile(path, "utf8").catch(() => "")).trim();
  return isCommit(commit) ? commit : null;
}

const treeSchema = z.object({
  format_version: z.literal(1),
  files: z.record(
    z.string(),
    z.object({
      size: z.number(),
      blob_id: z.string(),
      lfs_sha256: z.string().optional(),
      lfs_size: z.number().optional(),
      xet_hash: z.string().optional(),
    }),
  ),
});

function treePath(cacheFolder: string, repository: HubRepository, commit: string): string {
  return join(repositoryFolder(cacheFolder, repository), "trees", `${commit}.json`);
}

/** Stores the list of files of a commit. Commits never change, so the list never expires. */
export async function writeTree(
  cacheFolder: string,
  {
    repository,
    commit,
    files,
  }: { readonly repository: HubRepository; readonly commit: string; readonly files: readonly HubFile[] },
): Promise<void> {
  const path = treePath(cacheFolder, repository, commit);
  const tree: z.infer<typeof treeSchema> = {
    format_version: 1,
    files: Object.fromEntries(
      files.map(({ path, sizeBytes, gitSha1, sha256, xetHash }) => [
        path,
        {
          size: sizeBytes,
          blob_id: gitSha1,
          ...(sha256 !== null && { lfs_sha256: sha256, lfs_size: sizeBytes }),
          ...(xetHash !== null && { xet_hash: xetHash }),
        },
      ]),
    ),
  };
  await mkdir(dirname(path), { recursive: true });
  await writeFileWhole(path, JSON.stringify(tree, null, 2));
}

/** The stored list of files; null: there is none for this commit. */
export async function readTree(
  cacheFolder: string,
  repository: HubRepository,
  commit: string,
): Promise<readonly HubFile[] | null> {
  const text = await readFile(treePath(cacheFolder, repository, commit), "utf8").catch(() => null);
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // incomplete JSON; the hub is asked again
  }
  const { data } = treeSchema.safeParse(value);
  if (data === undefined) return null;
  return Object.entries(data.files).map(([path, { size, blob_id, lfs_sha256, lfs_size, xet_hash }]) => ({
    path,
    sizeBytes: lfs_size ?? size,
    gitSha1: blob_id,
    sha256: lfs_sha256 ?? null,
    xetHash: xet_hash ?? null,
  }));
}

/** Paths of all files and links below a folder; none where it is not there. */
export async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => !entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
}

/** The name that the hub gives to a path below a folder, with slashes: `tokenizer/merges.txt`. */
export function nameBelow(folder: string, path: string): string {
  return relative(folder, path).split(sep).join("/");
}

/** Whether the file is in the snapshot with the expected size. Its checksum was verified before it got its name. */
export async function isInSnapshot(folder: string, { path, sizeBytes }: HubFile): Promise<boolean> {
  const found = await stat(join(folder, path)).catch(() => null);
  return found?.isFile() === true && found.size === sizeBytes;
}
