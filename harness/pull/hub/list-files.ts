/** Lists the files of a repository at a revision with the hub's API. */
import * as z from "zod";
import type { HubName, HubRepository } from "../../../models/checkpoint/hugging-face-cache.ts";
import { header, nextPage } from "../network/answer-headers.ts";
import { fetchBytes } from "../network/fetch-bytes.ts";
import type { Network } from "../network/network.ts";
import { PullError } from "../network/pull-error.ts";
import { refusalOf } from "./hub.ts";
import type { HubSettings } from "./hub.ts";

const sha1 = z.string().regex(/^[0-9a-f]{40}$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const revisionAnswer = z.object({ sha: sha1 });

const treeAnswer = z.array(
  z.object({
    type: z.string(),
    path: z.string(),
    size: z.number().int().nonnegative(),
    oid: z.string(),
    lfs: z.object({ oid: sha256, size: z.number().int().nonnegative() }).nullish(),
    xetHash: z.string().nullish(),
  }),
);

/** A file of a repository. */
export interface HubFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Git's object id. For a file in Git LFS this is the id of its pointer. */
  readonly gitSha1: string;
  /** SHA-256 of the content of a file in Git LFS; null for other files. */
  readonly sha256: string | null;
  readonly xetHash: string | null;
}

/** Which files of a repository are wanted. */
export interface FileChoice {
  /** Chooses among all files. Throws a PullError where there are none to choose; `name`: of the repository, for its message. */
  readonly of: (name: string, files: readonly HubFile[]) => readonly HubFile[];
  /** Whether all are among these, by their names alone: another program may have made a snapshot without a list of files. */
  readonly areAll: (paths: readonly string[]) => boolean;
}

/** Asks the hub for the commit that a branch or tag points to now; a commit gives itself. */
export async function resolveRevision(network: Network, hub: HubSettings, name: HubName): Promise<string> {
  const url = `${apiAddress(hub, name)}/revision/${encodeURIComponent(name.revision)}`;
  const { value } = await fetchJson(network, hub, { name, url });
  const { data } = revisionAnswer.safeParse(value);
  if (data === undefined) throw new PullError(`${url}: answered something else than a revision. Is it a hub?`);
  return data.sha;
}

/** Lists all files; the hub gives them in pages. */
export async function listFiles(
  network: Network,
  hub: HubSettings,
  { name, commit }: { readonly name: HubName; readonly commit: string },
): Promise<readonly HubFile[]> {
  const files: HubFile[] = [];
  let url: string | null = `${apiAddress(hub, name)}/tree/${commit}?recursive=true&expand=false`;
  while (url !== null) {
    const page: Page = await fetchJson(network, hub, { name, url });
    const { data } = treeAnswer.safeParse(page.value);
    if (data === undefined) throw new PullError(`${url}: answered something else than a list of files. Is it a hub?`);
    for (const { type, path, size, oid, lfs, xetHash } of data) {
      if (type !== "file") continue;
      const content = { sizeBytes: lfs?.size ?? size, gitSha1: oid, sha256: lfs?.oid ?? null };
      files.push({ path, ...content, xetHash: xetHash ?? null });
    }
    url = page.next === null ? null : new URL(page.next, url).href;
  }
  return files;
}

function apiAddress({ endpoint }: HubSettings, { kind, repository }: HubRepository): string {
  return `${endpoint}/api/${kind}/${repository}`;
}

interface Page {
  readonly value: unknown;
  readonly next: string | null;
}

async function fetchJson(
  network: Network,
  hub: HubSettings,
  { name, url }: { readonly name: HubName; readonly url: string },
): Promise<Page> {
  const refuse = refusalOf(hub, name);
  const { bytes, headers } = await fetchBytes(network, { what: name.repository, url, refuse });
  const warning = header(headers, "x-hf-warning");
  if (warning !== null) network.tell({ kind: "message", text: `The hub warns: ${warning}` });
  try {
    return { value: JSON.parse(bytes.toString()), next: nextPage(headers) };
  } catch (cause) {
    throw new PullError(`${url}: answered something else than JSON. Is it a hub?`, { cause });
  }
}
