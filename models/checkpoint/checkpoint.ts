/**
 * A checkpoint as it lies on disk: a local folder, or a snapshot in the Hugging Face cache. Reads its config and the headers
 * of its weight files, not the weights.
 */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { ADAPTER_WEIGHTS, mergeAdapter } from "./adapter.ts";
import { ADAPTER_CONFIG, readAdapterConfig } from "./adapter-config.ts";
import type { AdapterConfig } from "./adapter-config.ts";
import { readBlip2Config } from "./config-file.ts";
import { readUtf8 } from "./json-section.ts";
import type { Blip2Config } from "./config.ts";
import { fingerprintFiles } from "./fingerprint.ts";
import { findInHuggingFaceCache, parseHubName } from "./hugging-face-cache.ts";
import { CheckpointError } from "../model.ts";
import type { TensorEntry } from "./safetensors.ts";
import { ignoredSettings } from "./ignored-settings.ts";
import { canonicalTensors } from "./tensor-names.ts";
import type { JoinedTensor } from "./tensor-names.ts";
import { OUTPUT_HEAD, withoutCopies } from "./tied-tensors.ts";
import type { WeightCacheOptions } from "./weight-cache.ts";
import { readWeightFiles } from "./weight-files.ts";

/** `cacheFolder` is ours, for what is worth remembering between runs. */
export interface CheckpointOptions extends WeightCacheOptions {
  /** The Hugging Face cache, see huggingFaceCacheFolder. */
  readonly hubCache: string;
}

export interface Checkpoint {
  /** The last part of where it came from, such as "blip2-opt-2.7b". */
  readonly name: string;
  /** Of config, tokenizer and preprocessor: the base's, where there is an adapter. */
  readonly folder: string;
  /** Where it came from, for people: a folder, or a name on the hub and its commit. */
  readonly source: string;
  /** The commit, where it came from the Hugging Face cache. */
  readonly revision: string | null;
  /** What its users should know of how its files were read. */
  readonly notes: readonly string[];
  readonly config: Blip2Config;
  /** By the names of transformers 5.12.1, whatever the files call them; each tensor once, as it is stored. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Tensors that an older checkpoint stores in parts. */
  readonly joined: readonly JoinedTensor[];
  /** Bytes of all weight files. */
  readonly weightBytes: number;
  /** SHA-256 over all files that decide an answer: weights, adapter, config, tokenizer, preprocessor. */
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

/**
 * `where`: a folder, or a name on the hub such as Salesforce/blip2-opt-2.7b, with @revision behind it or without. An adapter
 * in it is merged into its base: the folder's own weights or, in a folder without config.json, the checkpoint that
 * adapter_config.json names (transformers 5.12.1, integrations/peft.py:1013).
 */
export async function openCheckpoint(where: string, options: CheckpointOptions): Promise<Checkpoint> {
  const { own, base, adapter } = await findBase(where, options);
  const { name } = own;
  const { folder } = base;
  const config = await readConfig(folder);
  const weights = await readWeightFiles(folder);
  const named = canonicalTensors(name, weights.tensors);
  checkHead(name, config, named.tensors);
  const alone = await withoutCopies(name, named.tensors);

  const names = await readdir(folder);
  const inBase = [...weights.files, ...CONTENT_FILES.filter((file) => names.includes(file))];
  const inAdapter = adapter === null ? [] : [ADAPTER_CONFIG, ADAPTER_WEIGHTS];
  const files = new Map([
    ...inBase.map((file): [string, string] => [file, path.join(folder, file)]),
    ...inAdapter.map((file): [string, string] => [file, path.join(own.folder, file)]),
  ]);
  const merged = adapter && `${own.source}: its LoRA adapter of rank ${adapter.rank} is merged into ${base.source}.`;
  return {
    name,
    folder,
    source: own === base ? own.source : `${own.source} on ${base.source}`,
    revision: own.revision,
    notes: [...(merged === null ? [] : [merged]), ...(await ignoredSettings(folder))],
    config,
    tensors:
      adapter === null ? alone : await mergeAdapter({ name, folder: own.folder, config: adapter }, alone, options),
    joined: named.joined,
    weightBytes: weights.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0),
    fingerprint: () => fingerprintFiles(files, options.cacheFolder),
  };
}

export interface CheckpointAbilities {
  readonly kind: Blip2Config["kind"];
  /** Whether its Q-Former has the head to write with, beside ranking. */
  readonly writes: boolean;
}

/** What a checkpoint does, by its config alone. Throws a CheckpointError where it is not there, or none of BLIP-2's. */
export async function abilitiesOf(where: string, options: CheckpointOptions): Promise<CheckpointAbilities> {
  const { base } = await findBase(where, options);
  const { kind, qFormer } = await readConfig(base.folder);
  return { kind, writes: kind === "retrieval" && qFormer.textHead };
}

/** Of an adapter alone: the checkpoint that its config names; null for any other folder. */
export async function adapterBase(folder: string): Promise<string | null> {
  if ((await readdir(folder)).includes("config.json")) return null;
  return (await readAdapterConfig(folder))?.base ?? null;
}

interface FoundBase {
  readonly own: LocatedCheckpoint;
  /** `own`, unless that is an adapter alone: then what it adapts. */
  readonly base: LocatedCheckpoint;
  readonly adapter: AdapterConfig | null;
}

async function findBase(where: string, options: CheckpointOptions): Promise<FoundBase> {
  const own = await locateCheckpoint(where, options);
  const adapter = await readAdapterConfig(own.folder);
  if (adapter === null || (await readdir(own.folder)).includes("config.json")) return { own, base: own, adapter };
  const file = path.join(own.folder, ADAPTER_CONFIG);
  if (adapter.base === null) {
    throw new CheckpointError(`${file}: an adapter alone, and base_model_name_or_path does not say of which model.`);
  }
  const base = await locateCheckpoint(adapter.base, options).catch((cause: unknown) => {
    if (!(cause instanceof CheckpointError)) throw cause;
    throw new CheckpointError(
      `${file}: an adapter alone, whose base_model_name_or_path is not here. ${cause.message}`,
      { cause },
    );
  });
  if ((await readAdapterConfig(base.folder)) === null) return { own, base, adapter };
  throw new CheckpointError(
    `${file}: the base, ${adapter.base}, has an adapter itself. Call merge_and_unload in PEFT, and save the whole model.`,
  );
}

/** Without a matrix of its own, OPT's output is its embeddings, unless the config says that it is not. */
function checkHead(name: string, { text }: Blip2Config, tensors: ReadonlyMap<string, TensorEntry>): void {
  if (text?.family !== "opt" || text.tieEmbeddings || tensors.has(OUTPUT_HEAD)) return;
  throw new CheckpointError(
    `${name}: no tensor "${OUTPUT_HEAD}", and text_config.tie_word_embeddings is false. Is a shard missing?`,
  );
}

async function readConfig(folder: string): Promise<Blip2Config> {
  const file = path.join(folder, "config.json");
  const content = await readUtf8(file);
  if (content !== null) return readBlip2Config(content, file);
  throw new CheckpointError(`${file}: no such file. Is ${folder} a checkpoint, and complete?`);
}

interface LocatedCheckpoint {
  readonly name: string;
  readonly folder: string;
  readonly source: string;
  readonly revision: string | null;
}

/** A folder comes before a name on the hub, as in transformers. */
async function locateCheckpoint(where: string, { hubCache }: CheckpointOptions): Promise<LocatedCheckpoint> {
  const found = await stat(where).catch(() => null);
  if (found?.isDirectory() === true) {
    const folder = path.resolve(where);
    return { name: path.basename(folder), folder, source: folder, revision: null };
  }
  if (found !== null) throw new CheckpointError(`${where}: a file, expected the folder of a checkpoint.`);

  const hubName = parseHubName(where);
  if (hubName === null) {
    throw new CheckpointError(
      `${where}: no such folder. Give the folder of a checkpoint, or a name on the hub such as Salesforce/blip2-opt-2.7b.`,
    );
  }
  const { folder, commit } = await findInHuggingFaceCache(hubName, { hubCache });
  return { name: path.basename(hubName.repository), folder, source: `${where} at ${commit}`, revision: commit };
}
