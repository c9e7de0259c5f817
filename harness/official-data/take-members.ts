/** Members of an archive into a folder: out of the archive on its server, or out of the whole one, fetched before. */
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { OfficialArchive } from "../catalog/official-data.ts";
import type { Network } from "../pull/network/network.ts";
import { NoRangesError, PullError } from "../pull/network/pull-error.ts";
import { withFileSource } from "./archive-source.ts";
import { fetchToFolder, scratchName, writeWhole } from "./folder-to-fill.ts";
import type { FolderToFill } from "./folder-to-fill.ts";
import type { ByteSource, ZipMember } from "../../models/pytorch/zip-directory.ts";
import { membersTogether, readMembers } from "./zip-members.ts";

const readsAtOnce = 8;

export interface MembersToTake {
  readonly members: readonly ZipMember[];
  /** Where a member goes, by its name in the archive. */
  readonly pathOf: (name: string) => string;
}

/** Counts the members that come from a server as fetched. Those out of a whole archive were counted when it came. */
export function countMembers(network: Network): (member: ZipMember) => void {
  return ({ name, begin, end }) => {
    network.tell({ kind: "received", file: name, bytes: end - begin });
    network.tell({ kind: "checked", file: name, bytes: end - begin });
  };
}

/** Unpacks members, several reads at a time; each file gets its name when it is whole and checked. */
export async function takeMembers(
  source: ByteSource,
  { members, pathOf }: MembersToTake,
  onTaken: (member: ZipMember) => void = () => undefined,
): Promise<void> {
  const runs = [...membersTogether(members)];
  let hasFailed = false;
  const take = async (): Promise<void> => {
    for (let run = runs.pop(); run !== undefined && !hasFailed; run = runs.pop()) {
      for (const { member, bytes } of await readMembers(source, run)) {
        await writeWhole(pathOf(member.name), bytes);
        onTaken(member);
      }
    }
  };
  const taking = Array.from({ length: readsAtOnce }, () =>
    take().catch((error: unknown) => {
      hasFailed = true;
      throw error;
    }),
  );
  await Promise.allSettled(taking); // nothing is written any more when this ends
  await Promise.all(taking);
}

export interface WholeArchive {
  readonly filling: FolderToFill;
  /** See FileToFetch. */
  readonly unpackedBytes?: number;
}

/** Fetches an archive, checks it, hands it over, and removes it. */
export async function withWholeArchive(
  network: Network,
  archive: OfficialArchive,
  whole: WholeArchive,
  work: (source: ByteSource) => Promise<void>,
): Promise<void> {
  const path = join(whole.filling.folder, scratchName, basename(archive.url));
  await fetchToFolder(network, archive, { ...whole, path });
  await withFileSource(path, work);
  await rm(path);
}

/** Where the server turns out to send whole files only, says what is done instead, and does it. */
export async function orWithoutRanges<T>(
  network: Network,
  { url }: OfficialArchive,
  {
    byRanges,
    otherwise,
    without,
  }: { readonly byRanges: () => Promise<T>; readonly otherwise: string; readonly without: () => Promise<T> },
): Promise<T> {
  try {
    return await byRanges();
  } catch (error) {
    if (!(error instanceof NoRangesError)) throw error;
    const text = `${basename(url)}: ${new URL(url).host} gives no parts of it; ${otherwise}`;
    network.tell({ kind: "message", text });
    return without();
  }
}

export function memberNamed(source: ByteSource, members: readonly ZipMember[], fileName: string): ZipMember {
  return members.find(({ name }) => basename(name) === fileName) ?? missingMember(source, fileName);
}

export function missingMember(source: ByteSource, fileName: string): never {
  throw new PullError(`${source.name}: has no ${fileName} in it. Is it the archive of another split?`);
}
