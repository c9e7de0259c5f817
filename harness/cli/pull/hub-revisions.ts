/**
 * The part of `blip2-bench cache` about the Hugging Face cache: lists revisions; removes named ones and unfinished
 * downloads.
 */
import { parseHubName, parseMirrorName, shownHubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import type { HubRepository } from "../../../models/checkpoint/hugging-face-cache.ts";
import { left, right, tableOf } from "../../../reports/tables/table.ts";
import type { ColumnOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import {
  listPartialBlobs,
  listRevisions,
  removePartialBlob,
  removeRevision,
  revisionsNamed,
} from "../../pull/hub/cached-revisions.ts";
import type { CachedRevision, PartialBlob } from "../../pull/hub/cached-revisions.ts";
import { verifyRevision } from "../../pull/hub/verify-revision.ts";
import { readableBytes } from "../../catalog/readable-bytes.ts";

/** The revisions and unfinished downloads that were listed or removed. */
export interface HubRevisions {
  readonly folder: string;
  readonly revisions: readonly CachedRevision[];
  readonly partial: readonly PartialBlob[];
  /** Of `prune`: unfinished downloads that stay, since a process fetches them at the moment. */
  readonly inUse: readonly PartialBlob[];
}

export async function findHubRevisions(folder: string): Promise<HubRevisions> {
  return { folder, revisions: await listRevisions(folder), partial: await listPartialBlobs(folder), inUse: [] };
}

/**
 * Removes unfinished downloads and the named revisions; returns what was removed. `names`: in the form that `pull`
 * takes.
 */
export async function pruneHubRevisions(folder: string, names: readonly string[]): Promise<HubRevisions> {
  const { revisions, partial } = await findHubRevisions(folder);
  const named = names.flatMap((word) => {
    const name = parseMirrorName(word) ?? parseHubName(word);
    if (name === null) {
      throw new UsageError(
        `--revision ${word}: expected owner/name or owner/name@revision, with hf: before it for a mirror of data.`,
      );
    }
    return revisionsNamed(revisions, name, word.includes("@"));
  });
  const removed = [...new Set(named)];
  for (const revision of removed) await removeRevision(folder, revision);
  const gone: PartialBlob[] = [];
  const inUse: PartialBlob[] = [];
  for (const blob of partial) ((await removePartialBlob(blob)) ? gone : inUse).push(blob);
  return { folder, revisions: removed, partial: gone, inUse };
}

/** What is wrong with the files of these revisions, and how to get them again; null: nothing. */
export async function describeDamage({ revisions }: HubRevisions): Promise<string | null> {
  const damage: string[] = [];
  for (const revision of revisions) damage.push(...(await verifyRevision(revision)));
  if (damage.length === 0) return null;
  return `${damage.join("\n")}\nRemove it with blip2-bench cache prune --revision, and pull it again.`;
}

interface ShownRevision extends HubRepository {
  readonly commit: string;
  readonly names: string;
  readonly sizeBytes: number;
  readonly state: string;
}

const columns: readonly ColumnOf<ShownRevision>[] = [
  left("on the hub", ({ kind, repository }) => shownHubName({ kind, repository })),
  left("commit", ({ commit }) => commit),
  left("branches, tags", ({ names }) => names),
  right("size", ({ sizeBytes }) => readableBytes(sizeBytes)),
  left("state", ({ state }) => state),
];

/** The text to print; null: there is nothing to show. */
export function describeHubRevisions(hub: HubRevisions, verb: string): string | null {
  const { folder, revisions, partial, inUse } = hub;
  const staying = inUse.map(({ path }) => `${path}: is being fetched, and stays`);
  if (revisions.length === 0 && partial.length === 0) return staying.length === 0 ? null : staying.join("\n");
  const rows = [
    ...revisions.map(({ refs, isWhole, ...revision }) => ({
      ...revision,
      names: refs.length === 0 ? "none" : refs.join(", "),
      state: isWhole ? "whole" : "files are missing",
    })),
    ...partial.map((blob) => ({ ...blob, commit: "", names: "", state: "not whole yet" })),
  ];
  return [tableToText(tableOf(columns, rows)), `${verb}: in ${folder}`, ...staying].join("\n");
}
