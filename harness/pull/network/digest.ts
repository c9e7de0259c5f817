/** Checksums as they are published, and what a file's own is. */
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";

export interface Digest {
  /** `git-sha1`: of git's blob, which is the size in words and then the content. */
  readonly algorithm: "sha256" | "git-sha1" | "md5";
  /** Hexadecimal. Several where a file was published in several packings. */
  readonly accepted: readonly string[];
}

export function startDigest(algorithm: Digest["algorithm"], sizeBytes: number): Hash {
  if (algorithm !== "git-sha1") return createHash(algorithm);
  return createHash("sha1").update(`blob ${sizeBytes}\0`);
}
