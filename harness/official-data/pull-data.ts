/**
 * Fetches the official files of a split, and the images of the requested samples. Annotation files are fetched whole
 * and checked against the published SHA-256, where there is one. Images are read out of their remote archive by range
 * requests, so that 500 of 40,504 images cost the download of 500, and each is checked against the archive's CRC-32;
 * where most images are wanted, the whole archive is fetched.
 */
import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { limitSamples } from "../../datasets/dataset.ts";
import type { Dataset, Sample } from "../../datasets/dataset.ts";
import type { OfficialAnnotations, OfficialImages, OfficialSplit } from "../catalog/official-data.ts";
import type { Network } from "../pull/network/network.ts";
import { remoteSource } from "./archive-source.ts";
import { fetchToFolder, isFile, refuseSmallDisk, scratchName } from "./folder-to-fill.ts";
import type { FolderToFill } from "./folder-to-fill.ts";
import { pullImages } from "./pull-images.ts";
import { countMembers, memberNamed, orWithoutRanges, takeMembers, withWholeArchive } from "./take-members.ts";
import { readZipDirectory } from "../../models/pytorch/zip-directory.ts";
import type { ByteSource, ZipMember } from "../../models/pytorch/zip-directory.ts";

export interface DataToPull extends FolderToFill {
  readonly dataset: Dataset<Sample>;
  readonly official: OfficialSplit;
  /** See limitSamples. */
  readonly limit: number | null;
}

export interface PulledData {
  readonly samples: number;
  readonly images: number;
  readonly fetchedImages: number;
  /** Why the images were not fetched; null: all of them are in the folder. */
  readonly why: string | null;
}

/**
 * Archives of up to this size are fetched whole where their checksum is published, so that the checksum can be
 * verified.
 */
const wholeArchiveBytes = 300e6;

/**
 * Throws a DatasetError, a PullError or a PullIncompleteError. Downloaded files are kept, and a later call continues
 * from there.
 */
export async function pullData(network: Network, asked: DataToPull): Promise<PulledData> {
  const { dataset, official, folder, limit } = asked;
  await mkdir(folder, { recursive: true });
  for (const annotations of official.annotations) {
    if (!(await isFile(join(folder, annotations.fileName)))) await pullAnnotations(network, annotations, asked);
  }
  const { samples } = await dataset.open({ folder, images: folder }, official.split); // images are not looked for here
  const wanted = limitSamples(samples, limit);
  const names = [...new Set(wanted.map(({ image }) => basename(image.path)))];
  const { images } = official;
  let fetched = 0;
  for (const each of "why" in images ? [] : images) {
    fetched += await pullImages(network, namesIn(each, names), { ...asked, images: each });
  }
  await rm(join(folder, scratchName), { recursive: true, force: true });
  const why = "why" in images ? images.why : null;
  return { samples: wanted.length, images: names.length, fetchedImages: fetched, why };
}

/** The names that belong to a folder: COCO's say theirs, COCO_val2014_000000000042.jpg; others have one folder. */
function namesIn({ folder }: OfficialImages, names: readonly string[]): readonly string[] {
  return names.filter((name) => (/^COCO_([a-z]+\d{4})_/.exec(name)?.[1] ?? folder) === folder);
}

async function pullAnnotations(
  network: Network,
  { fileName, from, isPlain = false }: OfficialAnnotations,
  filling: FolderToFill,
): Promise<void> {
  const path = join(filling.folder, fileName);
  if (isPlain) {
    await fetchToFolder(network, from, { filling, path });
    return;
  }
  const take = async (source: ByteSource, onTaken?: (member: ZipMember) => void): Promise<void> => {
    const member = memberNamed(source, await readZipDirectory(source), fileName);
    await refuseSmallDisk(filling.folder, member.sizeBytes);
    if (onTaken !== undefined) filling.onWork(fileName, member.end - member.begin);
    await takeMembers(source, { members: [member], pathOf: () => path }, onTaken);
  };
  const fromWhole = (): Promise<void> => withWholeArchive(network, from, { filling }, (source) => take(source));
  if (from.sha256.length > 0 && (from.sizeBytes ?? 0) <= wholeArchiveBytes) {
    await fromWhole();
    return;
  }
  const byRanges = async (): Promise<void> => {
    await take(await remoteSource(network, from.url), countMembers(network));
  };
  await orWithoutRanges(network, from, { byRanges, otherwise: "the whole archive is fetched", without: fromWhole });
}
