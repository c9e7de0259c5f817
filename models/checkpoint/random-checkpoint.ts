/**
 * Checkpoints with random weights, of true shape: what speed and memory are measured on where no real ones can be had.
 * Names, shapes and sharding are those of the Hugging Face files, so that the loader cannot tell; the numbers are normal
 * with deviation 0.02, and the tokenizer is borrowed from a small checkpoint.
 */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { check, readJsonFile } from "./json-section.ts";
import type { JsonSection } from "./json-section.ts";
import { CheckpointError } from "../model.ts";
import { normalNumbers } from "./random-numbers.ts";
import { configJson } from "./random-shapes.ts";
import type { RandomShape, TokenIds } from "./random-shapes.ts";
import { writeSafetensors } from "./safetensors-writer.ts";
import { indexJson, intoShards, shardName, WEIGHT_INDEX } from "./shards.ts";
import { tensorShapes } from "./tensor-shapes.ts";

export interface RandomCheckpointOptions {
  readonly seed: number;
  /** A checkpoint folder whose tokenizer and image token are taken over; its vocabulary must not be larger. */
  readonly tokenizerFrom: string;
  /** Files hold at most this much, as `save_pretrained(max_shard_size=…)` has it. */
  readonly shardBytes: number;
}

/** @throws CheckpointError where the checkpoint of the tokenizer cannot be used; an error of the system for a full disk. */
export async function writeRandomCheckpoint(
  folder: string,
  shape: RandomShape,
  { seed, tokenizerFrom, shardBytes }: RandomCheckpointOptions,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const file of ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]) {
    await copyFile(path.join(tokenizerFrom, file), path.join(folder, file));
  }
  const tokens = tokenIds(await readJson(path.join(tokenizerFrom, "config.json")));
  const processor = await readJson(path.join(tokenizerFrom, "preprocessor_config.json"));
  const size = { height: shape.imageSize, width: shape.imageSize };
  await writeJson(path.join(folder, "config.json"), configJson(shape, tokens));
  await writeJson(path.join(folder, "preprocessor_config.json"), { ...processor.value, size });

  const tensors = tensorShapes(shape);
  const shards = intoShards(tensors, ([, dimensions]) => 4 * elements(dimensions), shardBytes);
  const numbers = endless(normalNumbers(BLOCK, { seed, deviation: 0.02 })); // initializer_range
  const index = new Map<string, string>();
  for (const [shard, part] of shards.entries()) {
    const file = shardName(shard + 1, shards.length);
    const sources = part.map(([name, dimensions]) => ({
      name,
      dtype: "F32" as const,
      shape: dimensions,
      read: () => Promise.resolve(fill(new Float32Array(elements(dimensions)), name, numbers)),
    }));
    await writeSafetensors(path.join(folder, file), sources);
    for (const [name] of part) index.set(name, file);
  }
  const total = tensors.reduce((sum, [, dimensions]) => sum + 4 * elements(dimensions), 0);
  if (shards.length > 1) await writeJson(path.join(folder, WEIGHT_INDEX), indexJson(index, total));
}

/** Random numbers that are made; the others are these again. It is prime, so rows of a matrix differ. */
const BLOCK = 4_194_301;

const tokenId = z.int().nonnegative();
const donorSchema = z.object({ image_token_index: tokenId, text_config: z.object({ eos_token_id: tokenId }) });

function tokenIds(config: JsonSection): TokenIds {
  const { image_token_index: image, text_config } = check(donorSchema, config);
  return { image, eos: text_config.eos_token_id };
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Gives at most `count` of the numbers behind those it gave before. */
type NextNumbers = (count: number) => Float32Array;

function endless(block: Float32Array): NextNumbers {
  let at = 0;
  return (count) => {
    const part = block.subarray(at, Math.min(at + count, block.length));
    at = (at + part.length) % block.length;
    return part;
  };
}

/** Norms scale by 1, everything else is a run of the random numbers from where the last tensor ended. */
function fill(values: Float32Array, name: string, next: NextNumbers): Float32Array {
  if (/norm[^.]*\.weight$/i.test(name)) return values.fill(1);
  for (let done = 0; done < values.length;) {
    const part = next(values.length - done);
    values.set(part, done);
    done += part.length;
  }
  return values;
}

async function readJson(file: string): Promise<JsonSection> {
  const section = await readJsonFile(file);
  if (section === null) throw new CheckpointError(`${file}: no such file.`);
  return section;
}

async function writeJson(file: string, value: object): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
