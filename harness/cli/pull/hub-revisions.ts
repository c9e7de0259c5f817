/** The Hugging Face cache in `blip2-bench cache`: its revisions are listed; named ones, and what is not whole, are removed. */
import { parseHubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import { formatColumns } from "../../../reports/tables/table.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import {
  listPartialBlobs,
  listRevisions,
  removePartialBlob,
  removeRevision,
  revisionsNamed,
} from "../../pull/hub/cached-revisions.ts";
import type { CachedRevision } from "../../pull/hub/cached-revisions.ts";
import { shownBytes } from "./pull-progress.ts";

/** What there is, or was, of the hub's. */
export interface HubRevisions {
  readonly folder: string;
  readonly revisions: readonly CachedRevision[];
  readonly partial: readonly { readonly repository: string; readonly path: string; readonly sizeBytes: number }[];
}

export async function findHubRevisions(folder: string): Promise<HubRevisions> {
  return { folder, revisions: await listRevisions(folder), partial: await listPartialBlobs(folder) };
}

/** Removes what is not whole, and the revisions that are named; gives what was removed. `names`: as for `pull`. */
export async function pruneHubRevisions(folder: string, names: readonly string[]): Promise<HubRevisions> {
  const { revisions, partial } = await findHubRevisions(folder);
  const named = names.flatMap((word) => {
    const name = parseHubName(word);
    if (name === null) throw new UsageError(`--revision ${word}: expected owner/name or owner/name@revision.`);
    return revisionsNamed(revisions, name, word.includes("@"));
  });
  const removed = [...new Set(named)];
  for (const revision of removed) await removeRevision(folder, revision);
  for (const { path } of partial) await removePartialBlob(path);
  return { folder, revisions: removed, partial };
}

/** Null: there is nothing to show. */
export function describeHubRevisions({ folder, revisions, partial }: HubRevisions, verb: string): string | null {
  if (revisions.length === 0 && partial.length === 0) return null;
  const rows = [
    ...revisions.map(({ repository, commit, refs, sizeBytes, isWhole }) => [
      repository,
      commit,
      refs.length === 0 ? "none" : refs.join(", "),
      shownBytes(sizeBytes),
      isWhole ? "whole" : "files are missing",
    ]),
    ...partial.map(({ repository, sizeBytes }) => [repository, "", "", shownBytes(sizeBytes), "not whole yet"]),
  ];
  const table = formatColumns(["on the hub", "commit", "branches, tags", "size", "state"], rows, [
    "left",
    "left",
    "left",
    "right",
  ]);
  return `${table}\n${verb}: in ${folder}`;
}
