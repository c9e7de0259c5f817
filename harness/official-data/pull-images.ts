/**
 * Images of a split that are asked for: out of their archive by ranges; with the whole archive where most of it is wanted; each
 * by its own address where there is no archive, or where the server gives no parts of it.
 */
import { basename, join } from "node:path";
import type { OfficialArchive, OfficialImages } from "../catalog/official-data.ts";
import { fetchBytes } from "../pull/network/fetch-bytes.ts";
import type { Network } from "../pull/network/network.ts";
import { PullError } from "../pull/network/pull-error.ts";
import { remoteSource } from "./archive-source.ts";
import { isFile, refuseSmallDisk, writeWhole } from "./folder-to-fill.ts";
import type { FolderToFill } from "./folder-to-fill.ts";
import { countMembers, missingMember, orWithoutRanges, takeMembers, withWholeArchive } from "./take-members.ts";
import type { MembersToTake } from "./take-members.ts";
import { readZipDirectory } from "../../models/pytorch/zip-directory.ts";
import type { ByteSource, ZipMember } from "../../models/pytorch/zip-directory.ts";

export interface ImagesToPull extends FolderToFill {
  readonly images: OfficialImages;
}

/** Of an archive's bytes: where more are wanted, the whole archive is one download that can be gone on with. */
const wholeArchiveShare = 0.6;

/** Gives how many of them were not there before. `names`: of their files. */
export async function pullImages(network: Network, names: readonly string[], asked: ImagesToPull): Promise<number> {
  const { archive, address } = asked.images;
  const missing = await missingOf(names, asked);
  if (missing.length === 0) return 0;
  if (archive === null) {
    await pullSingly(network, missing, asked);
    return missing.length;
  }
  const isSingle = address !== null;
  await orWithoutRanges(network, archive, {
    byRanges: () => pullMembers(network, missing, { ...asked, archive }),
    otherwise: isSingle ? "the images are fetched one by one" : "the whole archive is fetched",
    without: async () => {
      const left = await missingOf(names, asked); // some may have come before
      if (isSingle) await pullSingly(network, left, asked);
      else await pullWhole(network, left, { ...asked, archive });
    },
  });
  return missing.length;
}

async function missingOf(names: readonly string[], asked: ImagesToPull): Promise<readonly string[]> {
  const isThere = await Promise.all(names.map((name) => isFile(pathOf(asked, name))));
  return names.filter((_, index) => !isThere[index]);
}

function pathOf({ folder, images }: ImagesToPull, name: string): string {
  return join(folder, images.folder, basename(name));
}

interface InArchive extends ImagesToPull {
  readonly archive: OfficialArchive;
}

async function pullMembers(network: Network, names: readonly string[], asked: InArchive): Promise<void> {
  const { archive, folder, onWork } = asked;
  const source = await remoteSource(network, archive.url);
  const taking = await membersNamed(source, names, asked);
  const bytes = sum(taking.members.map(({ begin, end }) => end - begin));
  const unpackedBytes = sum(taking.members.map(({ sizeBytes }) => sizeBytes));
  if (bytes > wholeArchiveShare * source.sizeBytes) {
    await withWholeArchive(network, archive, { filling: asked, unpackedBytes }, (whole) => takeMembers(whole, taking));
    return;
  }
  await refuseSmallDisk(folder, unpackedBytes);
  onWork(`${names.length} images out of ${basename(archive.url)}`, bytes);
  await takeMembers(source, taking, countMembers(network));
}

async function pullWhole(network: Network, names: readonly string[], asked: InArchive): Promise<void> {
  await withWholeArchive(network, asked.archive, { filling: asked }, async (whole) => {
    const taking = await membersNamed(whole, names, asked);
    await refuseSmallDisk(asked.folder, sum(taking.members.map(({ sizeBytes }) => sizeBytes)));
    await takeMembers(whole, taking);
  });
}

async function membersNamed(source: ByteSource, names: readonly string[], asked: ImagesToPull): Promise<MembersToTake> {
  const byName = new Map(
    (await readZipDirectory(source)).map((member): [string, ZipMember] => [basename(member.name), member]),
  );
  const members = names.map((name) => byName.get(name) ?? missingMember(source, name));
  return { members, pathOf: (name) => pathOf(asked, name) };
}

async function pullSingly(network: Network, names: readonly string[], asked: ImagesToPull): Promise<void> {
  const { address, folder } = asked.images;
  if (address === null) throw new PullError(`${folder}: the images have no address.`);
  asked.onWork(`${names.length} images`, 0);
  await Promise.all(
    names.map(async (name) => {
      const { bytes } = await fetchBytes(network, { what: name, url: `${address}${name}` });
      await writeWhole(pathOf(asked, name), bytes);
    }),
  );
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
