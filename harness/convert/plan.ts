/** What a conversion takes from where, decided and checked before anything is written. */
import path from "node:path";
import { readdir } from "node:fs/promises";
import { readBlip2Config } from "../../models/checkpoint/config-file.ts";
import type { Blip2Config } from "../../models/checkpoint/config.ts";
import type { CheckpointOptions } from "../../models/checkpoint/checkpoint.ts";
import { tensorBytes } from "../../models/checkpoint/safetensors.ts";
import type { TensorEntry } from "../../models/checkpoint/safetensors.ts";
import { Weights } from "../../models/checkpoint/weights.ts";
import { checkNetworks } from "../../models/check-networks.ts";
import { CheckpointError } from "../../models/model.ts";
import { TEXT_HEAD } from "../../models/checkpoint/unused-tensors.ts";
import { chooseTensors } from "./choose-tensors.ts";
import type { LeftOut, Role } from "./choose-tensors.ts";
import { CLIP_NOTE, clipVisionConfig } from "./clip-vision.ts";
import { configOf, object, readConfigJson } from "./config-json.ts";
import type { Json } from "./config-json.ts";
import { openParts } from "./parts.ts";
import type { ConversionRequest, Parts } from "./parts.ts";
import { haveSameNumbers, openTorchFiles } from "./sources.ts";
import type { Source, SourceTensor } from "./sources.ts";

export interface Conversion {
  readonly tensors: readonly SourceTensor[];
  readonly leftOut: readonly LeftOut[];
  readonly config: Json;
  /** Side of the images, in pixels. */
  readonly imageSize: number;
  /** Whether texts begin with [DEC]: the Q-Former reads and writes them itself. */
  readonly isStageOne: boolean;
  readonly sources: readonly Source[];
  /** The folder of the tokenizer and its like. */
  readonly filesFrom: string;
  /** What its users should know. */
  readonly notes: readonly string[];
}

const HEAD_NOTE =
  "The Q-Former's head for text, `qformer.cls.*`, has names of LAVIS: transformers 5.12.1 has no such head, leaves it unread, " +
  "and reads the rest.";

/** Throws a CheckpointError or UsageError where the parts do not make one checkpoint. */
export async function planConversion(request: ConversionRequest, options: CheckpointOptions): Promise<Conversion> {
  const own = await openTorchFiles([request.file], path.basename(request.file), options);
  const parts = await openParts(own, request, options);
  await checkTiedHead(own);
  const config = await mergedConfig(own, parts);
  const where = `the conversion of ${own.label}`;
  const read = readBlip2Config(JSON.stringify(config), where);
  const roles = rolesOf(own, parts);
  const { tensors, leftOut } = chooseTensors(roles, read);
  checkNetworks(Weights.of(where, asFloats(tensors)), read);
  return {
    tensors,
    leftOut,
    config,
    filesFrom: parts.tokenizer,
    imageSize: read.vision.imageSize,
    isStageOne: parts.kind === "itm",
    notes: notesOf(tensors, read),
    sources: roles.map(({ source }) => source),
  };
}

/** A checkpoint in the hub's layout whose weights are pytorch_model.bin, or shards of that with an index. */
export async function planHubConversion(folder: string, options: CheckpointOptions): Promise<Conversion> {
  const names = await readdir(folder);
  const files = names.filter((name) => /^pytorch_model(?:-\d+-of-\d+)?\.bin$/.test(name)).toSorted();
  if (files.length === 0) {
    throw new CheckpointError(
      `${folder}: no pytorch_model.bin and no shards of one. Name the file to convert, or another folder.`,
    );
  }
  const own = await openTorchFiles(
    files.map((name) => path.join(folder, name)),
    folder,
    options,
  );
  const config = await readConfigJson(folder);
  const read = readBlip2Config(JSON.stringify(config), path.join(folder, "config.json"));
  const { tensors, leftOut } = chooseTensors([{ source: own, gives: /^/, otherwise: "" }], read);
  checkNetworks(Weights.of(folder, asFloats(tensors)), read);
  return {
    tensors,
    leftOut,
    config,
    sources: [own],
    filesFrom: folder,
    notes: notesOf(tensors, read),
    imageSize: read.vision.imageSize,
    isStageOne: read.kind === "retrieval",
  };
}

function notesOf(tensors: readonly SourceTensor[], { vision }: Blip2Config): readonly string[] {
  const hasHead = tensors.some(({ name }) => TEXT_HEAD.test(name));
  return [...(hasHead ? [HEAD_NOTE] : []), ...(vision.preLayerNorm ? [CLIP_NOTE] : [])];
}

function rolesOf(own: Source, { vision, language }: Parts): readonly Role[] {
  const otherwise = `${own.label} gives the Q-Former`;
  const roles: Role[] = [{ source: own, gives: /^/, otherwise: "" }];
  if (vision !== null && vision === language) {
    return [...roles, { source: vision, gives: /^(?:vision_model|language_model)\./, otherwise }];
  }
  // What is named visual_encoder still is behind the last block, and is left out for that.
  if (vision !== null) roles.push({ source: vision, gives: /^(?:vision_model|visual_encoder)\./, otherwise });
  if (language !== null) roles.push({ source: language, gives: /^language_model\./, otherwise });
  return roles;
}

async function mergedConfig({ tensors }: Source, { kind, vision, language, tokenizer }: Parts): Promise<Json> {
  const from = language?.checkpoint?.folder ?? tokenizer;
  const found = await readConfigJson(from).catch(() => null); // BERT's tokenizer has no config of BLIP-2 beside it
  const base = found?.["model_type"] === "blip-2" ? found : null;
  const folder = vision?.checkpoint?.folder;
  const visionConfig =
    folder === undefined
      ? clipVisionConfig(vision?.tensors ?? tensors)
      : object((await readConfigJson(folder))["vision_config"]);
  return configOf({ kind, base, vision: visionConfig, tensors });
}

/** The Q-Former's output matrix is its word embeddings; a file in which it is another would lose it. */
async function checkTiedHead({ label, tensors }: Source): Promise<void> {
  const head = tensors.get("qformer.cls.predictions.decoder.weight");
  const words = tensors.get("embeddings.word_embeddings.weight");
  if (head === undefined || words === undefined || (await haveSameNumbers(head, words))) return;
  throw new CheckpointError(
    `${label}: Qformer.cls.predictions.decoder.weight is not the word embeddings, to which LAVIS ties it. Is it a file of LAVIS?`,
  );
}

/** For shapes alone: whatever they are stored as, loading makes floats of them. */
function asFloats(tensors: readonly SourceTensor[]): ReadonlyMap<string, TensorEntry> {
  return new Map(
    tensors.map(({ name, shape }) => [
      name,
      { name, dtype: "F32", shape, file: "", offset: 0, byteLength: tensorBytes("F32", shape) },
    ]),
  );
}
