/**
 * The weight files of a checkpoint folder: one model.safetensors, or several shards and an index that says which tensor is
 * in which. Every header is read; no weights are.
 */
import { readdir } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { check, readJsonFile } from "./json-section.ts";
import { CheckpointError } from "../model.ts";
import { readSafetensorsHeader } from "./safetensors.ts";
import type { TensorEntry } from "./safetensors.ts";
import { SINGLE_WEIGHTS as SINGLE, WEIGHT_INDEX as INDEX } from "./shards.ts";

/** Python pickles: weights are mapped, so these are converted first (models/pytorch/). */
const PICKLED = /\.(bin|pt|pth|ckpt)$/;

export interface WeightFiles {
  /** Names in the folder, sorted; the index is among them. */
  readonly files: readonly string[];
  readonly tensors: readonly TensorEntry[];
}

export async function readWeightFiles(folder: string): Promise<WeightFiles> {
  const names = await readdir(folder);
  // Where both are, the single file: as in transformers (modeling_utils.py, _get_resolved_checkpoint_files).
  if (names.includes(SINGLE)) {
    const tensors = await readSafetensorsHeader(path.join(folder, SINGLE));
    return { files: [SINGLE], tensors: [...tensors.values()] };
  }
  if (names.includes(INDEX)) return readShards(folder, names);

  const pickled = names.filter((name) => PICKLED.test(name));
  if (pickled.length > 0) {
    throw new CheckpointError(
      `${folder}: the weights are Python pickles (${pickled.join(", ")}), expected ${SINGLE} or ${INDEX}. ` +
        `Convert them with: npx blip2-bench convert ${folder} --output NEW_FOLDER`,
    );
  }
  throw new CheckpointError(`${folder}: no weights, expected ${SINGLE} or ${INDEX}. Is the download complete?`);
}

async function readShards(folder: string, names: readonly string[]): Promise<WeightFiles> {
  const file = path.join(folder, INDEX);
  const section = await readJsonFile(file);
  if (section === null) throw new CheckpointError(`${file}: no such file. Is the download complete?`);
  const schema = z.object({ weight_map: z.record(z.string(), z.string()) });
  const map = new Map(Object.entries(check(schema, section).weight_map));

  const shards = [...new Set(map.values())].toSorted();
  const tensors: TensorEntry[] = [];
  for (const shard of shards) {
    if (!names.includes(shard)) {
      throw new CheckpointError(`${file}: shard "${shard}" is not in ${folder}. Is the download complete?`);
    }
    const header = await readSafetensorsHeader(path.join(folder, shard));
    checkAgainstIndex(header, { file, map, shard });
    tensors.push(...header.values());
  }
  return { files: [...shards, INDEX], tensors };
}

/** A shard holds what the index says, no less and no more. */
function checkAgainstIndex(
  header: ReadonlyMap<string, TensorEntry>,
  { file, map, shard }: { readonly file: string; readonly map: ReadonlyMap<string, string>; readonly shard: string },
): void {
  const expected = [...map].filter(([, where]) => where === shard).map(([name]) => name);
  const missing = expected.filter((name) => !header.has(name));
  if (missing.length > 0) {
    throw new CheckpointError(
      `${file}: shard ${shard} lacks ${listed(missing)}. Are index and shards from the same revision?`,
    );
  }
  const extra = [...header.keys()].filter((name) => map.get(name) !== shard);
  if (extra.length > 0) {
    throw new CheckpointError(
      `${file}: shard ${shard} has ${listed(extra)}, which the index does not place there. ` +
        "Are index and shards from the same revision?",
    );
  }
}

/** tensor "a"; tensors "a", "b", "c" and 14 more */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${name}"`);
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : "";
  return `tensor${names.length === 1 ? "" : "s"} ${shown.join(", ")}${more}`;
}
