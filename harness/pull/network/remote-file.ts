/** What is fetched, where to, and what it must be. */
import type { Digest } from "./digest.ts";
import type { Refuse } from "./fetch-bytes.ts";
import { PullError } from "./pull-error.ts";

export interface RemoteFile {
  /** For messages and events. */
  readonly name: string;
  /** Where redirects lead from here is asked anew when it stops working: signed addresses expire. */
  readonly url: string;
  /** Null: not known before it is asked for. */
  readonly sizeBytes: number | null;
  /** Null: none is published. */
  readonly digest: Digest | null;
  /** Says what a status means that is neither success nor "later". */
  readonly refuse?: Refuse;
}

/** Absolute paths; all on one file system. Folders are made. */
export interface Place {
  readonly path: string;
  /** What is not whole yet: this, and names that begin with it. */
  readonly partial: string;
  /** A file that processes lock while they fetch, flock(2). */
  readonly lock: string;
}

export interface Downloaded {
  readonly sizeBytes: number;
  /** By the published checksum's algorithm, or sha256; null: the file was there already. */
  readonly hex: string | null;
}

/** Throws a PullError where what has come is not what was published. */
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
