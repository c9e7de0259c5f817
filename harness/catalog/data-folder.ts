/** Where --data points: a folder, or `hf:owner/name`, a mirror in the Hugging Face cache, at a branch, tag or commit if need be. */
import { resolve } from "node:path";
import type { Dataset, Sample } from "../../datasets/dataset.ts";
import {
  findInHuggingFaceCache,
  mirrorPrefix,
  parseMirrorName,
  shownHubName,
} from "../../models/checkpoint/hugging-face-cache.ts";
import type { HubName } from "../../models/checkpoint/hugging-face-cache.ts";
import { unexpected } from "./values.ts";

/** An absolute path, or the name of a mirror, which is looked for when it is read. Throws a UsageError. `where`: the name it was given by. */
export function readDataPlace(where: string, value: string): string {
  if (!value.startsWith(mirrorPrefix)) {
    if (value === "") throw unexpected(where, value, "a folder, or hf:owner/name");
    return resolve(value);
  }
  if (parseMirrorName(value) !== null) return value;
  throw unexpected(where, value, "hf:owner/name, or hf:owner/name@revision");
}

/** A split of a data set. */
export interface NamedSplit {
  readonly dataset: Pick<Dataset<Sample>, "splitsInRows">;
  readonly split: string;
}

/**
 * The folder of its files; null: none was named. Throws a CheckpointError for a mirror that is not in the cache; nothing is downloaded.
 * `wanted`: what is to be read there, for the message; unset: not known.
 */
export async function dataFolder(place: string | null, hubCache: string, wanted?: NamedSplit): Promise<string | null> {
  if (place === null) return null;
  const name = parseMirrorName(place);
  if (name === null) return place;
  const download = wanted === undefined ? {} : { download: pullMirrorCommand(name, wanted) };
  return (await findInHuggingFaceCache(name, { hubCache, ...download })).folder;
}

/** The command that fetches a split's files of a mirror. */
export function pullMirrorCommand(name: HubName, wanted: NamedSplit): string {
  return `npx blip2-bench pull ${shownHubName(name)}${isInRows(wanted) ? "" : ` --split ${wanted.split}`}`;
}

/** Whether all files of a mirror are needed for a split: the rows alone say which split they are of, or no split is named. */
export function isInRows({ dataset, split }: NamedSplit): boolean {
  return split === "" || dataset.splitsInRows?.includes(split) === true;
}
