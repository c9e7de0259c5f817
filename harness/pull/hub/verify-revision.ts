/** Compares the files of a cached revision with the checksums that their blobs are named after. */
import { createReadStream } from "node:fs";
import { readlink, stat } from "node:fs/promises";
import { basename, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { isCommit, shownHubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import { startDigest } from "../network/digest.ts";
import { filesBelow } from "./cache-layout.ts";
import type { CachedRevision } from "./cached-revisions.ts";

const readBytes = 1 << 20;

/** What is wrong, in a line for each damaged file. Copies, as on systems without links, have no checksum for a name and are not read. */
export async function verifyRevision({ kind, repository, folder }: CachedRevision): Promise<readonly string[]> {
  const damage: string[] = [];
  for (const path of await filesBelow(folder)) {
    const expected = basename((await readlink(path).catch(() => null)) ?? "");
    const isSha1 = isCommit(expected); // 40 digits, as a commit
    if (!isSha1 && !/^[0-9a-f]{64}$/.test(expected)) continue;
    const name = `${shownHubName({ kind, repository })}: ${relative(folder, path)}`;
    const found = await stat(path).catch(() => null);
    if (found === null) {
      damage.push(`${name}: its content is not there, expected ${expected}`);
      continue;
    }
    const algorithm = isSha1 ? "git-sha1" : "sha256";
    const digest = startDigest(algorithm, found.size);
    await pipeline(createReadStream(path, { highWaterMark: readBytes }), digest);
    const hex = digest.digest("hex");
    if (hex !== expected) damage.push(`${name}: its ${algorithm} is ${hex}, expected ${expected}`);
  }
  return damage;
}
