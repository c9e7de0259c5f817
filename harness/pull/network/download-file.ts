/**
 * Downloads a file. It gets its final name on disk only after its checksum was verified. Small files are held in memory
 * until then. Large files are fetched in several parallel pieces; when the process is stopped or killed, a later one
 * resumes with the bytes received so far.
 */
import { randomBytes } from "node:crypto";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { startDigest } from "./digest.ts";
import { downloadLarge } from "./download-large.ts";
import { exchange, refuseLater } from "./exchange.ts";
import { readBody, refuseAnswer } from "./fetch-bytes.ts";
import { lockPath } from "./lock-path.ts";
import type { Network } from "./network.ts";
import { persist } from "./persist.ts";
import { refuseOtherContent } from "./remote-file.ts";
import type { Downloaded, Place, RemoteFile } from "./remote-file.ts";

/** Larger files are fetched in pieces and can be resumed. */
const smallBytes = 4 << 20;

/**
 * Downloads a file, unless one of the right size exists: files get their final name only after a check, so such a file
 * is complete.
 */
export async function downloadFile(network: Network, file: RemoteFile, place: Place): Promise<Downloaded> {
  const isSmall = file.sizeBytes !== null && file.sizeBytes <= smallBytes;
  const found = await alreadyThere(file, place);
  if (found !== null) return found;
  if (isSmall) return network.small(() => downloadSmall(network, file, place));
  return network.large(async () => {
    for (const path of [place.path, place.lock]) await mkdir(dirname(path), { recursive: true });
    const unlock = await lockPath(place.lock, network.signal, () => {
      network.tell({ kind: "message", text: `${file.name}: another process fetches it; waiting for that` });
    });
    try {
      return (await alreadyThere(file, place)) ?? (await downloadLarge(network, file, place));
    } finally {
      await unlock();
    }
  });
}

async function alreadyThere({ sizeBytes }: RemoteFile, { path }: Place): Promise<Downloaded | null> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile() !== true || (sizeBytes !== null && found.size !== sizeBytes)) return null;
  return { sizeBytes: found.size, hex: null };
}

async function downloadSmall(network: Network, file: RemoteFile, place: Place): Promise<Downloaded> {
  const { name, url, sizeBytes, digest, refuse = refuseAnswer } = file;
  const { bytes, hex } = await persist(network, name, async () => {
    const answer = await exchange(network, { url });
    await refuseLater(answer);
    const bytes = await readBody(network, answer);
    if (answer.status !== 200) refuse(answer, bytes.toString());
    const hex = startDigest(digest?.algorithm ?? "sha256", bytes.length)
      .update(bytes)
      .digest("hex");
    refuseOtherContent(file, { sizeBytes: bytes.length, hex });
    return { bytes, hex };
  });
  network.tell({ kind: "received", file: name, bytes: bytes.length });
  network.tell({ kind: "checked", file: name, bytes: bytes.length });
  const temporary = `${place.partial}.${randomBytes(4).toString("hex")}`;
  const keep = async (): Promise<void> => {
    await writeFile(temporary, bytes, { flag: "wx" });
    await rename(temporary, place.path);
  };
  try {
    await keep().catch(async (error: unknown) => {
      if (!isOfMissingFolder(error)) throw error;
      await mkdir(dirname(place.path), { recursive: true }); // not before each of thousands
      await keep();
    });
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to report
    throw error;
  }
  network.tell({ kind: "finished", file: name, sizeBytes: sizeBytes ?? bytes.length });
  return { sizeBytes: bytes.length, hex };
}

function isOfMissingFolder(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
