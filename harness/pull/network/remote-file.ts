/** A file to fetch, the paths it is written to, and the checksum it must have. */
import type { Digest } from "./digest.ts";
import type { Refuse } from "./fetch-bytes.ts";
import { PullError } from "./pull-error.ts";

export interface RemoteFile {
  /** Name in messages and events. */
  readonly name: string;
  /** URL of the file. Where it redirects to a signed URL that has expired, this URL is asked again. */
  readonly url: string;
  /** Size; null: not known before the server answers. */
  readonly sizeBytes: number | null;
  /** Published checksum; null: there is none. */
  readonly digest: Digest | null;
  /** Explains a refusal of the server in an error; unset: refuseAnswer. */
  readonly refuse?: Refuse;
}

/** Where a download is written: absolute paths on one file system. Missing folders are created. */
export interface Place {
  readonly path: string;
  /** Path of the unfinished download; its note has this path with a suffix. */
  readonly partial: string;
  /** A file that is locked with flock(2) during the download. */
  readonly lock: string;
}

export interface Downloaded {
  readonly sizeBytes: number;
  /** Checksum by the algorithm of the published one, or SHA-256; null: the file existed already. */
  readonly hex: string | null;
}

/** Throws a PullError where the checksum differs from the published one. */
export function refuseOtherContent(
  { name, sizeBytes, digest }: RemoteFile,
  found: { readonly sizeBytes: number; readonly hex: string },
): void {
  if (sizeBytes !== null && found.sizeBytes !== sizeBytes) {
    throw new PullError(
      `${name}: the server sent ${found.sizeBytes} bytes, expected ${sizeBytes}. Nothing is kept of it.`,
    );
  }
  if (digest === null || digest.accepted.includes(found.hex)) return;
  throw new PullError(
    `${name}: its ${digest.algorithm} is ${found.hex}, expected ${digest.accepted.join(" or ")}. Nothing is kept of it.`,
  );
}
