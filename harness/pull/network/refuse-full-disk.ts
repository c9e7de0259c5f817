/** Refuses a download that the disk has no room for, before it begins. */
import { freeBytes } from "../../catalog/machine.ts";
import { readableBytes } from "../../catalog/readable-bytes.ts";
import { PullError } from "./pull-error.ts";

export interface NeededRoom {
  /** What is fetched, for the message. */
  readonly what: string;
  readonly folder: string;
  readonly neededBytes: number;
  /** What to do beside making room, for the message. */
  readonly advice: string;
}

/** Throws a PullError. */
export async function refuseFullDisk({ what, folder, neededBytes, advice }: NeededRoom): Promise<void> {
  const free = await freeBytes(folder);
  if (free === null || free >= neededBytes) return;
  throw new PullError(
    `${what}: needs ${readableBytes(neededBytes)}, and ${folder} has room for ${readableBytes(free)}. Make room, or ${advice}.`,
  );
}
