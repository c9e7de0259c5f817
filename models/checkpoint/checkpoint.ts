/**
 * A checkpoint as it lies on disk: a local folder, or a snapshot in the Hugging Face cache. Reads its config and the headers
 * of its weight files, not the weights.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { readBlip2Config } from "./config-file.ts";
import type { Blip2Config } from "./config.ts";
import { fingerprintFiles } from "./fingerprint.ts";
import { findInHuggingFaceCache, parseHubName } from "./hugging-face-cache.ts";
import { CheckpointError } from "../model.ts";
import type { TensorEntry } from "./safetensors.ts";
import { canonicalTensors } from "./tensor-names.ts";
import type { JoinedTensor } from "./tensor-names.ts";
import { withoutCopies } from "./tied-tensors.ts";
import { readWeightFiles } from "./weight-files.ts";

export interface CheckpointOptions {
  /** The Hugging Face cache, see huggingFaceCacheFolder. */
  readonly hubCache: string;
  /** Ours, for what is worth remembering between runs. */
  readonly cacheFolder: string;
}

export interface Checkpoint {
  /** The last part of where it came from, such as "blip2-opt-2.7b". */
  readonly name: string;
  readonly folder: string;
  /** The commit, where it came from the Hugging Face cache. */
  readonly revision: string | null;
  readonly config: Blip2Config;
  /** By the names of transformers 5.12.1, whatever the files call them; each tensor once, as it is stored. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Tensors that an older checkpoint stores in parts. */
  readonly joined: readonly JoinedTensor[];
  /** Bytes of all weight files. */
  readonly weightBytes: number;
  /** SHA-256 over all files that decide an answer: weights, config, tokenizer, preprocessor. */
  readonly fingerprint: () => Promise<string>;
}

/** Besides the weights, what decides an answer, where it is there. */
const CONTENT_FILES = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "preprocessor_config.json",
  "processor_config.json",
];

/** `where`: a folder, or a name on the hub such as Salesforce/blip2-opt-2.7b, with @revision behind it or without. */
export async function openCheckpoint(where: string, options: CheckpointOptions): Promise<Checkpoint> {
  const { name, folder, revision } = await findCheckpoint(where, options);
  const config = await readConfig(folder);
  const weights = await readWeightFiles(folder);
  const { tensors, joined } = canonicalTensors(name, weights.tensors);

  const names = await readdir(folder);
  const files = [...weights.files, ...CONTENT_FILES.filter((file) => names.includes(file))];
  return {
    name,
    folder,
    revision,
    config,
    tensors: await withoutCopies(name, tensors),
    joined,
    weightBytes: weights.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0),
    fingerprint: () => fingerprintFiles(folder, files, options.cacheFolder),
  };
}

/** What a checkpoint does, by its config alone. Throws a CheckpointError where it is not there, or none of BLIP-2's. */
export async function kindOfCheckpoint(where: string, options: CheckpointOptions): Promise<Blip2Config["kind"]> {
  const { folder } = await findCheckpoint(where, options);
  return (await readConfig(folder)).kind;
}

async function readConfig(folder: string): Promise<Blip2Config> {
  const file = path.join(folder, "config.json");
  const content = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new CheckpointError(`${file}: no such file. Is ${folder} a checkpoint, and complete?`, { cause });
  });
  return readBlip2Config(content, file);
}

interface FoundCheckpoint {
  readonly name: string;
  readonly folder: string;
  readonly revision: string | null;
}

/** A folder comes before a name on the hub, as in transformers. */
async function findCheckpoint(where: string, { hubCache }: CheckpointOptions): Promise<FoundCheckpoint> {
  const found = await stat(where).catch(() => null);
  if (found?.isDirectory() === true) {
    const folder = path.resolve(where);
    return { name: path.basename(folder), folder, revision: null };
  }
  if (found !== null) throw new CheckpointError(`${where}: a file, expected the folder of a checkpoint.`);

  const hubName = parseHubName(where);
  if (hubName === null) {
    throw new CheckpointError(
      `${where}: no such folder. Give the folder of a checkpoint, or a name on the hub such as Salesforce/blip2-opt-2.7b.`,
    );
  }
  const { folder, commit } = await findInHuggingFaceCache(hubName, { hubCache });
  return { name: path.basename(hubName.repository), folder, revision: commit };
}
