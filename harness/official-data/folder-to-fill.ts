/** The folder that official files go to: whole files under their names, unfinished ones in a folder of their own, and room for both. */
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { OfficialArchive } from "../catalog/official-data.ts";
import { downloadFile } from "../pull/network/download-file.ts";
import type { Network } from "../pull/network/network.ts";
import { keptBytes } from "../pull/network/partial-file.ts";
import { refuseFullDisk } from "../pull/network/refuse-full-disk.ts";
import { remoteSize } from "./archive-source.ts";

export interface FolderToFill {
  /** Made where it is not there. */
  readonly folder: string;
  /** Told what is fetched next, and how many bytes it has; 0: not known. */
  readonly onWork: (work: string, totalBytes: number) => void;
}

/** In the folder: archives, and files that are not whole. Removed when all has come. */
export const scratchName = ".pull";

export interface FileToFetch {
  readonly filling: FolderToFill;
  readonly path: string;
  /** What is unpacked from it, as far as that is known. */
  readonly unpackedBytes?: number;
}

/** A whole file from its address to `path`, checked where a checksum is published. Goes on with what was kept of it. */
export async function fetchToFolder(
  network: Network,
  { url, sizeBytes, sha256 }: OfficialArchive,
  { filling: { folder, onWork }, path, unpackedBytes = 0 }: FileToFetch,
): Promise<void> {
  const scratch = join(folder, scratchName, basename(path));
  const partial = `${scratch}.part`;
  const total = sizeBytes ?? (await remoteSize(network, url)) ?? 0;
  const hereBytes = (await isFile(path)) ? total : await keptBytes(partial);
  await refuseSmallDisk(folder, Math.max(0, total - hereBytes) + unpackedBytes);
  onWork(basename(path), total);
  const digest = sha256.length === 0 ? null : ({ algorithm: "sha256", accepted: sha256 } as const);
  // A checksum of two packings may go with two sizes, so the size is left to the server where it has several.
  const size = sha256.length > 1 ? null : sizeBytes;
  const remote = { name: basename(url), url, sizeBytes: size, digest };
  await downloadFile(network, remote, { path, partial, lock: `${scratch}.lock` });
}

export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.part`; // another process may fetch this file, too
  await writeFile(partial, bytes);
  await rename(partial, path);
}

/** Throws a PullError. */
export function refuseSmallDisk(folder: string, neededBytes: number): Promise<void> {
  const advice = "give another folder with --output, or ask for less with --limit";
  return refuseFullDisk({ what: "what is to be fetched", folder, neededBytes, advice });
}

export async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() === true && found.size > 0;
}
