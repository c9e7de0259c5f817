/**
 * Weights as the networks take them: fp32, each tensor where it can be mapped. What a checkpoint stores as such stays where
 * it is; the rest (fp16, bf16, badly aligned, in parts) is written once into our cache (weight-cache.ts), never into the
 * checkpoint.
 */
import type { Checkpoint } from "./checkpoint.ts";
import { readTensor, tensorBytes } from "./safetensors.ts";
import type { TensorEntry } from "./safetensors.ts";
import type { TensorSource } from "./safetensors-writer.ts";
import { ALIGNMENT, cachedWeights, contentKey } from "./weight-cache.ts";
import type { WeightCacheOptions } from "./weight-cache.ts";

/** To be raised when what is written for the same input changes. */
export const FP32_FORMAT = "format 1";
const FLOATS: readonly string[] = ["F32", "F16", "BF16"];

/** A tensor to be converted: its parts end to end, null for zeros. */
interface Conversion {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: readonly (TensorEntry | null)[];
}

/** Every float tensor of the checkpoint as an aligned F32 entry, by name. */
export async function fp32Weights(
  checkpoint: Pick<Checkpoint, "name" | "tensors" | "joined">,
  options: WeightCacheOptions,
): Promise<ReadonlyMap<string, TensorEntry>> {
  const { tensors, joined } = checkpoint;
  const inPlace = [...tensors].filter(([, entry]) => isUsable(entry) || !FLOATS.includes(entry.dtype));
  const conversions: Conversion[] = [
    ...[...tensors.values()]
      .filter((entry) => !isUsable(entry) && FLOATS.includes(entry.dtype))
      .map((entry) => ({ name: entry.name, shape: entry.shape, parts: [entry] })),
    ...joined,
  ];
  if (conversions.length === 0) return tensors;
  const derived = conversions.map(({ name, shape, parts }) => ({ description: [name, shape], parts }));
  const converted = await cachedWeights(
    {
      kind: "fp32",
      format: FP32_FORMAT,
      key: await contentKey(FP32_FORMAT, derived, options.cacheFolder),
      checkpoint: checkpoint.name,
      what: "fp32 weights",
      tensors: conversions.map(source),
    },
    options,
  );
  return new Map([...inPlace, ...converted]);
}

function isUsable({ dtype, offset }: TensorEntry): boolean {
  return dtype === "F32" && offset % ALIGNMENT === 0;
}

function source({ name, shape, parts }: Conversion): TensorSource {
  const read = async (): Promise<Float32Array> => {
    const [only] = parts;
    if (parts.length === 1 && only) return readTensor(only);
    const joined = new Float32Array(tensorBytes("F32", shape) / 4);
    const partLength = joined.length / parts.length;
    for (const [index, part] of parts.entries()) {
      if (part !== null) joined.set(await readTensor(part), index * partLength);
    }
    return joined;
  };
  return { name, dtype: "F32", shape, read };
}
