/** Checkpoints of a few numbers, written for one test. */
import assert from "node:assert/strict";
import { openCheckpoint } from "../../models/checkpoint/checkpoint.ts";
import type { Checkpoint } from "../../models/checkpoint/checkpoint.ts";
import { readTensor } from "../../models/checkpoint/safetensors.ts";
import { safetensorsBytes, temporaryFolder } from "./temporary-files.ts";

export const config = JSON.stringify({
  architectures: ["Blip2ForConditionalGeneration"],
  model_type: "blip-2",
  image_token_index: 5,
  text_config: { model_type: "opt" },
});

/** A file with these fp32 vectors. */
export function weights(tensors: Readonly<Record<string, readonly number[]>>): Uint8Array {
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, values]) => {
      const begin = end;
      end += values.length * 4;
      return [name, { dtype: "F32", shape: [values.length], data_offsets: [begin, end] }];
    }),
  );
  return safetensorsBytes(header, new Uint8Array(Float32Array.from(Object.values(tensors).flat()).buffer));
}

export const index = (map: Readonly<Record<string, string>>): string =>
  JSON.stringify({ metadata: {}, weight_map: map });

export const open = (where: string, hubCache = "/nowhere"): Promise<Checkpoint> =>
  openCheckpoint(where, { hubCache, cacheFolder: temporaryFolder() });

export async function numbers(checkpoint: Checkpoint, name: string): Promise<readonly number[]> {
  const entry = checkpoint.tensors.get(name);
  assert.ok(entry, `no tensor ${name}`);
  return [...(await readTensor(entry))];
}
