/**
 * Finds a checkpoint, or a data set, in the local Hugging Face cache, as huggingface_hub lays it out; nothing is downloaded.
 *
 *   models--Salesforce--blip2-opt-2.7b/
 *     refs/main                      the commit a branch or tag stood at when it was downloaded
 *     snapshots/<commit>/<file>      links into blobs/
 *     blobs/<sha256 or git sha1>     the contents
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { CheckpointError } from "../model.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of the cache, by huggingface_hub's precedence (constants.py). `env`: the environment's variables. */
export function huggingFaceCacheFolder(env: Environment, home = homedir()): string {
  const named = folderIn(env, "HF_HUB_CACHE", home) ?? folderIn(env, "HUGGINGFACE_HUB_CACHE", home);
  return named ?? path.join(huggingFaceHome(env, home), "hub");
}

/** Where huggingface_hub keeps its cache and the token of who is logged in, unless they are named by themselves. */
export function huggingFaceHome(env: Environment, home: string): string {
  const cacheHome = folderIn(env, "XDG_CACHE_HOME", home) ?? path.join(home, ".cache");
  return folderIn(env, "HF_HOME", home) ?? path.join(cacheHome, "huggingface");
}

function folderIn(env: Environment, name: string, home: string): string | null {
  const value = env[name];
  return value === undefined || value === "" ? null : expandHome(value, home);
}

function expandHome(folder: string, home: string): string {
  return folder === "~" || folder.startsWith("~/") ? path.join(home, folder.slice(1)) : folder;
}

/** What a repository holds, as the names of the cache's folders begin. */
export type RepositoryKind = "models" | "datasets";

/** A repository on the hub: owner/name. */
export interface HubRepository {
  readonly kind: RepositoryKind;
  readonly repository: string;
}

/** A checkpoint, or a mirror of a data set, on the hub at a branch, tag or commit. */
export interface HubName extends HubRepository {
  readonly revision: string;
}

/** "Salesforce/blip2-opt-2.7b" or "Salesforce/blip2-opt-2.7b@<revision>"; null for anything else, such as a path. */
export function parseHubName(name: string): HubName | null {
  const [, repository, revision = "main"] = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w./-]+))?$/.exec(name) ?? [];
  if (repository === undefined || revision.split("/").some((part) => /^\.*$/.test(part))) return null;
  return { kind: "models", repository, revision };
}

/** Names of mirrors begin so: a folder may be called owner/name. */
export const mirrorPrefix = "hf:";

/** "hf:lmms-lab/VQAv2" or "hf:lmms-lab/VQAv2@<revision>"; null for anything else. */
export function parseMirrorName(name: string): HubName | null {
  const found = name.startsWith(mirrorPrefix) ? parseHubName(name.slice(mirrorPrefix.length)) : null;
  return found === null ? null : { ...found, kind: "datasets" };
}

/** As parseHubName or parseMirrorName reads it. Without a revision: the repository. */
export function shownHubName({ kind, repository, revision = "main" }: HubRepository & { revision?: string }): string {
  const name = kind === "datasets" ? `${mirrorPrefix}${repository}` : repository;
  return revision === "main" ? name : `${name}@${revision}`;
}

/** A snapshot in the cache. */
export interface CachedSnapshot {
  readonly folder: string;
  /** The commit, 40 hexadecimal digits. */
  readonly commit: string;
}

/** Whether a revision is a whole commit, which stands for itself. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** Where the cache has a repository. */
export function repositoryFolder(hubCache: string, { kind, repository }: HubRepository): string {
  return path.join(hubCache, `${kind}--${repository.replaceAll("/", "--")}`);
}

/** @param download the command that fetches it, for messages; unset: `pull` of its name */
export async function findInHuggingFaceCache(
  hubName: HubName,
  {
    hubCache,
    download = `npx blip2-bench pull ${shownHubName(hubName)}`,
  }: { readonly hubCache: string; readonly download?: string },
): Promise<CachedSnapshot> {
  const { revision } = hubName;
  const folder = repositoryFolder(hubCache, hubName);
  const name = shownHubName(hubName);
  if (!(await isFolder(folder))) {
    throw new CheckpointError(`${name}: not in the Hugging Face cache; looked for ${folder}. Get it with: ${download}`);
  }

  const ref = path.join(folder, "refs", revision);
  const commit = isCommit(revision) ? revision : await readCommit(ref);
  if (commit === null) {
    const refs = await readdir(path.join(folder, "refs")).catch(() => []);
    const there = refs.length === 0 ? "none" : refs.join(", ");
    throw new CheckpointError(
      `${name}: no revision ${revision} in the Hugging Face cache; looked for ${ref}. Revisions there: ${there}. ` +
        `Get it with: ${download}`,
    );
  }
  const snapshot = path.join(folder, "snapshots", commit);
  if (!(await isFolder(snapshot))) {
    throw new CheckpointError(
      `${name}: the files of commit ${commit} are not in the Hugging Face cache; looked for ${snapshot}. ` +
        `Get them with: ${download}`,
    );
  }
  return { folder: snapshot, commit };
}

/** `owner/name` of every repository of a kind in the cache, in the order of their names; no folder is no repositories. */
export async function repositoriesInHuggingFaceCache(
  hubCache: string,
  kind: RepositoryKind,
): Promise<readonly string[]> {
  const names = await readdir(hubCache).catch(() => []);
  return names
    .flatMap((name) => new RegExp(`^${kind}--(.+?)--(.+)$`).exec(name)?.slice(1).join("/") ?? [])
    .filter((name) => parseHubName(name) !== null)
    .sort();
}

async function readCommit(ref: string): Promise<string | null> {
  let content: string;
  try {
    content = (await readFile(ref, "utf8")).trim();
  } catch {
    return null; // no such branch or tag was downloaded
  }
  if (!isCommit(content)) {
    throw new CheckpointError(`${ref}: "${content.slice(0, 60)}" is not a commit. Download the checkpoint again.`);
  }
  return content;
}

async function isFolder(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
