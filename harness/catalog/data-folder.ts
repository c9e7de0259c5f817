/** Where --data points: a folder, or `hf:owner/name`, a mirror in the Hugging Face cache, at a branch, tag or commit if need be. */
import { resolve } from "node:path";
import { findInHuggingFaceCache, parseHubName } from "../../models/checkpoint/hugging-face-cache.ts";
import { unexpected } from "./values.ts";

const hubPrefix = "hf:";

/** An absolute path, or the name of a mirror, which is looked for when it is read. Throws a UsageError. `where`: the name it was given by. */
export function readDataPlace(where: string, value: string): string {
  if (!value.startsWith(hubPrefix)) {
    if (value === "") throw unexpected(where, value, "a folder, or hf:owner/name");
    return resolve(value);
  }
  if (parseHubName(value.slice(hubPrefix.length)) !== null) return value;
  throw unexpected(where, value, "hf:owner/name, or hf:owner/name@revision");
}

/** The folder of its files; null: none was named. Throws a CheckpointError for a mirror that is not in the cache; nothing is downloaded. */
export async function dataFolder(place: string | null, hubCache: string): Promise<string | null> {
  if (place === null) return null;
  const name = place.startsWith(hubPrefix) ? parseHubName(place.slice(hubPrefix.length)) : null;
  if (name === null) return place;
  return (await findInHuggingFaceCache(name, { hubCache, kind: "datasets" })).folder;
}
