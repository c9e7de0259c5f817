/** Published checksums, and computing the checksum of a file. */
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";

export interface Digest {
  /** `git-sha1`: SHA-1 of git's blob object, which is a header with the size, then the content. */
  readonly algorithm: "sha256" | "git-sha1" | "md5";
  /** Accepted checksums, hexadecimal. Several where a file was published in several versions. */
  readonly accepted: readonly string[];
}

export function startDigest(algorithm: Digest["algorithm"], sizeBytes: number): Hash {
  if (algorithm !== "git-sha1") return createHash(algorithm);
  return createHash("sha1").update(`blob ${sizeBytes}\0`);
}
