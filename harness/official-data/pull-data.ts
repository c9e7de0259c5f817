/**
 * Fetches the official files of a split, and the images of the requested samples. Annotation files are fetched whole
 * and checked against the published SHA-256, where there is one. Images are read out of their remote archive by range
 * requests, so that 500 of 40,504 images cost the download of 500, and each is checked against the archive's CRC-32;
 * where most images are wanted, the whole archive is fetched.
 */
import { mkdir, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { limitSamples } from "../../datasets/dataset.ts";
import type { Dataset, Sample } from "../../datasets/dataset.ts";
import type { OfficialAnnotations, OfficialArchive, OfficialImages, OfficialSplit } from "../catalog/official-data.ts";
import { downloadFile } from "../pull/network/download-file.ts";
import { fetchBytes } from "../pull/network/fetch-bytes.ts";
import type { Network } from "../pull/network/network.ts";
import { PullError } from "../pull/network/pull-error.ts";
import { remoteSource, withFileSource } from "./archive-source.ts";
import { readZipDirectory } from "./zip-directory.ts";
import type { ByteSource, ZipMember } from "./zip-directory.ts";
import { membersTogether, readMembers } from "./zip-members.ts";

export interface DataToPull {
  readonly dataset: Dataset<Sample>;
  readonly official: OfficialSplit;
  /** The folder that files are written to; it is created if needed. */
  readonly folder: string;
  /** Which samples: see limitSamples in datasets/dataset.ts. */
  readonly limit: number | null;
  /** Called before each download with its name and size. */
  readonly onWork: (work: string, totalBytes: number) => void;
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
 * Where more than this share of an archive's bytes is wanted, the whole archive is fetched, as one download that can be
 * resumed.
 */
const wholeArchiveShare = 0.6;
const scratchName = ".pull";

/**
 * Throws a DatasetError, a PullError or a PullIncompleteError. Downloaded files are kept, and a later call continues
 * from there.
 */
export async function pullData(network: Network, asked: DataToPull): Promise<PulledData> {
  const { dataset, official, folder, limit, onWork } = asked;
  await mkdir(folder, { recursive: true });
  for (const annotations of official.annotations) {
    if (!(await isFile(join(folder, annotations.fileName)))) await pullAnnotations(network, annotations, asked);
  }
  await rm(join(folder, scratchName), { recursive: true, force: true });
  // only the samples are needed; the images may be missing
  const { samples } = await dataset.open({ folder, images: folder }, official.split);
  const wanted = limitSamples(samples, limit);
  const names = [...new Set(wanted.map(({ image }) => basename(image.path)))];
  const { images } = official;
  const counts = { samples: wanted.length, images: names.length };
  if ("why" in images) return { ...counts, fetchedImages: 0, why: images.why };
  const imageFolder = join(folder, images.folder);
  await mkdir(imageFolder, { recursive: true });
  const isThere = await Promise.all(names.map((name) => isFile(join(imageFolder, name))));
  const missing = names.filter((_, index) => !isThere[index]);
  if (missing.length > 0) await pullImages(network, missing, { images, folder, onWork });
  await rm(join(folder, scratchName), { recursive: true, force: true });
  return { ...counts, fetchedImages: missing.length, why: null };
}

async function pullAnnotations(
  network: Network,
  { fileName, from, isPlain = false }: OfficialAnnotations,
  { folder, onWork }: Pick<DataToPull, "folder" | "onWork">,
): Promise<void> {
  const path = join(folder, fileName);
  if (isPlain) {
    onWork(fileName, from.sizeBytes ?? 0);
    await downloadFile(network, remoteFile(from), placeOf(folder, path));
    return;
  }
  if (from.sha256.length > 0 && (from.sizeBytes ?? 0) <= wholeArchiveBytes) {
    await withWholeArchive(network, from, { folder, onWork }, async (source) => {
      const found = memberNamed(source, await readZipDirectory(source), fileName);
      const [unpacked] = await readMembers(source, [found]);
      await writeWhole(path, unpacked!.bytes);
    });
    return;
  }
  const source = await remoteSource(network, from.url);
  const member = memberNamed(source, await readZipDirectory(source), fileName);
  onWork(fileName, member.compressedBytes);
  await takeMembers(network, source, [member], () => path);
}

async function pullImages(
  network: Network,
  names: readonly string[],
  { images, folder, onWork }: { readonly images: OfficialImages } & Pick<DataToPull, "folder" | "onWork">,
): Promise<void> {
  const { archive, address } = images;
  const pathOf = (name: string): string => join(folder, images.folder, basename(name));
  if (archive === null) {
    if (address === null) throw new PullError(`${images.folder}: the images have no address.`);
    onWork(`${names.length} images`, 0);
    await Promise.all(names.map((name) => pullImage(network, `${address}${name}`, pathOf(name))));
    return;
  }
  const source = await remoteSource(network, archive.url);
  const byName = new Map((await readZipDirectory(source)).map((member) => [basename(member.name), member]));
  const members = names.map((name) => byName.get(name) ?? missingMember(source, name));
  const bytes = members.reduce((sum, { begin, end }) => sum + end - begin, 0);
  if (bytes > wholeArchiveShare * source.sizeBytes) {
    await refuseSmallDisk(folder, source.sizeBytes + members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    await withWholeArchive(network, archive, { folder, onWork }, async (whole) => {
      await takeMembers(network, whole, members, pathOf);
    });
    return;
  }
  await refuseSmallDisk(
    folder,
    members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  );
  onWork(`${names.length} images out of ${basename(archive.url)}`, bytes);
  await takeMembers(network, source, members, pathOf);
}

/** Unpacks members with several reads in parallel; a file gets its final name when it is complete and checked. */
async function takeMembers(
  network: Network,
  source: ByteSource,
  members: readonly ZipMember[],
  pathOf: (name: string) => string,
): Promise<void> {
  const runs = [...membersTogether(members)];
  const take = async (): Promise<void> => {
    for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
      for (const { member, bytes } of await readMembers(source, run)) {
        await writeWhole(pathOf(member.name), bytes);
        const size = member.end - member.begin;
        network.tell({ kind: "received", file: member.name, bytes: size });
        network.tell({ kind: "checked", file: member.name, bytes: size });
      }
    }
  };
  await Promise.all(Array.from({ length: readsAtOnce }, take));
}

const readsAtOnce = 8;

async function pullImage(network: Network, url: string, path: string): Promise<void> {
  const { bytes } = await fetchBytes(network, { what: basename(path), url });
  await writeWhole(path, bytes);
}

/** Fetches an archive, checks it, passes it to the callback, and removes it. */
async function withWholeArchive(
  network: Network,
  archive: OfficialArchive,
  { folder, onWork }: Pick<DataToPull, "folder" | "onWork">,
  work: (source: ByteSource) => Promise<void>,
): Promise<void> {
  const path = join(folder, scratchName, basename(archive.url));
  onWork(basename(archive.url), archive.sizeBytes ?? 0);
  await downloadFile(network, remoteFile(archive), placeOf(folder, path));
  await withFileSource(path, work);
  await rm(path);
}

function remoteFile({ url, sizeBytes, sha256 }: OfficialArchive): Parameters<typeof downloadFile>[1] {
  const digest = sha256.length === 0 ? null : ({ algorithm: "sha256", accepted: sha256 } as const);
  // An archive that was published in several versions has several checksums and sizes: then the size is asked of the
  // server.
  return { name: basename(url), url, sizeBytes: sha256.length > 1 ? null : sizeBytes, digest };
}

function placeOf(folder: string, path: string): Parameters<typeof downloadFile>[2] {
  const scratch = join(folder, scratchName, basename(path));
  return { path, partial: `${scratch}.part`, lock: `${scratch}.lock` };
}

function memberNamed(source: ByteSource, members: readonly ZipMember[], fileName: string): ZipMember {
  return members.find(({ name }) => basename(name) === fileName) ?? missingMember(source, fileName);
}

function missingMember(source: ByteSource, fileName: string): never {
  throw new PullError(`${source.name}: has no ${fileName} in it. Is it the archive of another split?`);
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.part`;
  await writeFile(partial, bytes);
  await rename(partial, path);
}

async function refuseSmallDisk(folder: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= needed) return;
  throw new PullError(
    `${folder}: has room for ${Math.floor(free / 1e6)} MB, expected ${Math.ceil(needed / 1e6)} MB for what is to be fetched. ` +
      "Make room, give another folder with --output, or ask for less with --limit.",
  );
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() === true && found.size > 0;
}
