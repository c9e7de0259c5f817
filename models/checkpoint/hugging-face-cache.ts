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

/** The folder of the cache, by huggingface_hub's precedence (constants.py). `env`: the environment's variables. */
export function huggingFaceCacheFolder(env: Readonly<Record<string, string | undefined>>, home = homedir()): string {
  const set = (name: string): string | null => {
    const value = env[name];
    return value === undefined || value === "" ? null : expandHome(value, home);
  };
  const cacheHome = set("XDG_CACHE_HOME") ?? path.join(home, ".cache");
  const huggingFaceHome = set("HF_HOME") ?? path.join(cacheHome, "huggingface");
  return set("HF_HUB_CACHE") ?? set("HUGGINGFACE_HUB_CACHE") ?? path.join(huggingFaceHome, "hub");
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

const COMMIT = /^[0-9a-f]{40}$/;

export async function findInHuggingFaceCache(
  { repository, revision }: HubName,
  { hubCache, kind = "models" }: { readonly hubCache: string; readonly kind?: "models" | "datasets" },
): Promise<CachedSnapshot> {
  const folder = path.join(hubCache, `${kind}--${repository.replaceAll("/", "--")}`);
  const download = `hf download ${kind === "datasets" ? "--repo-type dataset " : ""}${repository}${revision === "main" ? "" : ` --revision ${revision}`}`;
  const name = revision === "main" ? repository : `${repository}@${revision}`;
  if (!(await isFolder(folder))) {
    throw new CheckpointError(`${name}: not in the Hugging Face cache; looked for ${folder}. Get it with: ${download}`);
  }

  const ref = path.join(folder, "refs", revision);
  const commit = COMMIT.test(revision) ? revision : await readCommit(ref);
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
  if (!COMMIT.test(content)) {
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
