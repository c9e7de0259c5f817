/**
 * Where huggingface_hub keeps a repository of models, and the notes beside the files (file_download.py, _tree_cache.py 1.29):
 *
 *   .locks/models--owner--name/<blob>.lock     held while a blob is fetched, flock(2)
 *   models--owner--name/
 *     blobs/<sha256 or git sha1>               the contents
 *     snapshots/<commit>/<path>                links into blobs/
 *     refs/<branch or tag>                     the commit it stood for
 *     trees/<commit>.json                      the list of all files of a commit
 */
import { mkdir, readFile, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { dirname, join, relative } from "node:path";
import * as z from "zod";
import { isCommit, repositoryFolder } from "../../../models/checkpoint/hugging-face-cache.ts";
import type { HubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import { writeFileWhole } from "../../../reports/records/atomic-file.ts";
import type { Place } from "../network/remote-file.ts";
import type { HubFile } from "./list-files.ts";

/** How the name of a blob ends that is not whole yet. Older versions of huggingface_hub use another. */
export const partialEnd = ".blip2-bench.incomplete";

/** What a blob is called: its content's checksum. */
export function blobName({ sha256, gitSha1 }: HubFile): string {
  return sha256 ?? gitSha1;
}

export function blobPlace(cacheFolder: string, { repository }: HubName, file: HubFile): Place {
  const folder = repositoryFolder(cacheFolder, repository);
  const path = join(folder, "blobs", blobName(file));
  const lock = join(cacheFolder, ".locks", relative(cacheFolder, folder), `${blobName(file)}.lock`);
  return { path, partial: `${path}${partialEnd}`, lock };
}

export function snapshotFolder(cacheFolder: string, repository: string, commit: string): string {
  return join(repositoryFolder(cacheFolder, repository), "snapshots", commit);
}

/** The file's path in the snapshot leads to its blob: relative, so that the cache can be moved. */
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

/** Remembers which commit a branch or tag stood for. A commit stands for itself. */
export async function writeRef(cacheFolder: string, { repository, revision }: HubName, commit: string): Promise<void> {
  if (isCommit(revision)) return;
  const path = join(repositoryFolder(cacheFolder, repository), "refs", revision);
  const before = await readFile(path, "utf8").catch(() => null);
  if (before === commit) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFileWhole(path, commit);
}

/** The commit that a revision stood for when it was asked last; null: never. */
export async function readRef(cacheFolder: string, { repository, revision }: HubName): Promise<string | null> {
  if (isCommit(revision)) return revision;
  const path = join(repositoryFolder(cacheFolder, repository), "refs", revision);
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

function treePath(cacheFolder: string, repository: string, commit: string): string {
  return join(repositoryFolder(cacheFolder, repository), "trees", `${commit}.json`);
}

/** A commit never changes, so its list is kept for ever. */
export async function writeTree(
  cacheFolder: string,
  {
    repository,
    commit,
    files,
  }: { readonly repository: string; readonly commit: string; readonly files: readonly HubFile[] },
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

/** Null: nobody has asked for the list of this commit. */
export async function readTree(
  cacheFolder: string,
  repository: string,
  commit: string,
): Promise<readonly HubFile[] | null> {
  const text = await readFile(treePath(cacheFolder, repository, commit), "utf8").catch(() => null);
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // cut short; the hub is asked again
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

/** Whether the file is in the snapshot with its whole size; a checksum was compared before it got its name. */
export async function isInSnapshot(folder: string, { path, sizeBytes }: HubFile): Promise<boolean> {
  const found = await stat(join(folder, path)).catch(() => null);
  return found?.isFile() === true && found.size === sizeBytes;
}
