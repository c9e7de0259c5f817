/**
 * Weights as the networks take them: fp32 or fp16, each tensor where it can be mapped. What a checkpoint stores as such stays
 * where it is; the rest (of another type, badly aligned, in parts) is written once into our cache (weight-cache.ts), never
 * into the checkpoint.
 */
import type { Checkpoint } from "./checkpoint.ts";
import { FLOAT16_MAX, narrowFloat16 } from "./half-precision.ts";
import { CheckpointError } from "../model.ts";
import { FLOATS, readTensor, tensorBytes } from "./safetensors.ts";
import type { TensorEntry } from "./safetensors.ts";
import type { TensorSource } from "./safetensors-writer.ts";
import { ALIGNMENT, cachedWeights, contentKey } from "./weight-cache.ts";
import type { WeightCacheOptions } from "./weight-cache.ts";

/** To be raised when what is written for the same input changes. */
export const FP32_FORMAT = "format 1";
export const FP16_FORMAT = "fp16 format 1";

const targets = {
  fp32: { dtype: "F32", format: FP32_FORMAT },
  fp16: { dtype: "F16", format: FP16_FORMAT },
} as const;
export type FloatKind = keyof typeof targets;

/** What to do about a weight that is an infinity or no number. */
export const NOT_FINITE_ADVICE = "Download the checkpoint again, or train it anew.";

type FloatTensors = Pick<Checkpoint, "name" | "tensors" | "joined">;

/** A tensor to be converted: its parts end to end, null for zeros. */
interface Conversion {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: readonly (TensorEntry | null)[];
}

/** Every float tensor of the checkpoint as an aligned F32 entry, by name. */
export async function fp32Weights(
  checkpoint: FloatTensors,
  options: WeightCacheOptions,
): Promise<ReadonlyMap<string, TensorEntry>> {
  return floatWeights("fp32", checkpoint, options);
}

/** Every float tensor as an aligned entry of this kind, by name; tensors that are no floats as they are. */
export async function floatWeights(
  kind: FloatKind,
  { name, tensors, joined }: FloatTensors,
  options: WeightCacheOptions,
): Promise<ReadonlyMap<string, TensorEntry>> {
  const { format } = targets[kind];
  const conversions = [...toConvert(kind, tensors), ...joined];
  if (conversions.length === 0) return tensors;
  const inPlace = [...tensors].filter(([, entry]) => isUsable(kind, entry) || !FLOATS.includes(entry.dtype));
  const derived = conversions.map(({ name, shape, parts }) => ({ description: [name, shape], parts }));
  const converted = await cachedWeights(
    {
      kind,
      format,
      key: await contentKey(format, derived, options.cacheFolder),
      checkpoint: name,
      what: `${kind} weights`,
      tensors: conversions.map((conversion) => source(kind, conversion)),
    },
    options,
  );
  return new Map([...inPlace, ...converted]);
}

/** Tensors that cannot be mapped where they lie. */
export function toConvert(kind: FloatKind, tensors: ReadonlyMap<string, TensorEntry>): readonly Conversion[] {
  return [...tensors.values()]
    .filter((entry) => !isUsable(kind, entry) && FLOATS.includes(entry.dtype))
    .map((entry) => ({ name: entry.name, shape: entry.shape, parts: [entry] }));
}

function isUsable(kind: FloatKind, { dtype, offset }: TensorEntry): boolean {
  return dtype === targets[kind].dtype && offset % ALIGNMENT === 0;
}

function source(kind: FloatKind, conversion: Conversion): TensorSource {
  const { name, shape } = conversion;
  const { dtype } = targets[kind];
  if (kind === "fp32") return { name, dtype, shape, read: () => readParts(conversion) };
  return { name, dtype, shape, read: async () => narrowed(conversion, await readParts(conversion)) };
}

async function readParts({ shape, parts }: Conversion): Promise<Float32Array> {
  const [only] = parts;
  if (parts.length === 1 && only) return readTensor(only);
  const joined = new Float32Array(tensorBytes("F32", shape) / 4);
  const partLength = joined.length / parts.length;
  for (const [index, part] of parts.entries()) {
    if (part !== null) joined.set(await readTensor(part), index * partLength);
  }
  return joined;
}

/** A number beyond fp16's is refused by its name, as it would make every answer meaningless. */
function narrowed({ name, parts }: Conversion, numbers: Float32Array): Uint16Array {
  const halves = narrowFloat16(numbers);
  const beyond = halves.findIndex((half) => (half & 0x7c00) === 0x7c00);
  if (beyond === -1) return halves;
  const number = numbers[beyond]!;
  const advice = Number.isFinite(number)
    ? `fp16 holds none beyond ${FLOAT16_MAX}. Keep its part in fp32.`
    : `no precision makes it one. ${NOT_FINITE_ADVICE}`;
  throw new CheckpointError(
    `${parts.find((part) => part !== null)?.file ?? "the checkpoint"}: tensor "${name}" has the number ` +
      `${number}, and ${advice}`,
  );
}
