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

/** A checkpoint on the hub: owner/name, at a branch, tag or commit. */
export interface HubName {
  readonly repository: string;
  readonly revision: string;
}

/** "Salesforce/blip2-opt-2.7b" or "Salesforce/blip2-opt-2.7b@<revision>"; null for anything else, such as a path. */
export function parseHubName(name: string): HubName | null {
  const [, repository, revision = "main"] = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w./-]+))?$/.exec(name) ?? [];
  if (repository === undefined || revision.split("/").some((part) => /^\.*$/.test(part))) return null;
  return { repository, revision };
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

/** What a repository holds, as the names of the cache's folders begin. */
type RepositoryKind = "models" | "datasets";

/** Where the cache has a repository. */
export function repositoryFolder(hubCache: string, repository: string, kind: RepositoryKind = "models"): string {
  return path.join(hubCache, `${kind}--${repository.replaceAll("/", "--")}`);
}

export async function findInHuggingFaceCache(
  { repository, revision }: HubName,
  { hubCache, kind = "models" }: { readonly hubCache: string; readonly kind?: RepositoryKind },
): Promise<CachedSnapshot> {
  const folder = repositoryFolder(hubCache, repository, kind);
  const name = revision === "main" ? repository : `${repository}@${revision}`;
  const ofRevision = revision === "main" ? "" : ` --revision ${revision}`;
  const download =
    kind === "datasets" ? `hf download --repo-type dataset ${repository}${ofRevision}` : `npx blip2-bench pull ${name}`;
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

/** `owner/name` of every model in the cache, in the order of their names; no folder is no models. */
export async function modelsInHuggingFaceCache(hubCache: string): Promise<readonly string[]> {
  const names = await readdir(hubCache).catch(() => []);
  return names
    .flatMap((name) => /^models--(.+?)--(.+)$/.exec(name)?.slice(1).join("/") ?? [])
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
