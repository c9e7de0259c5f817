/**
 * A checkpoint's weights in the precision that was asked for: matrices quantized once, as precision-recipe.ts has it, into our
 * cache (weight-cache.ts); the rest, fp16 and fp32, as float-weights.ts gives it. One matrix is in memory at a time.
 */
import type { Checkpoint } from "./checkpoint.ts";
import type { JoinedTensor } from "./tensor-names.ts";
import { floatWeights, NOT_FINITE_ADVICE, toConvert } from "./float-weights.ts";
import { CheckpointError } from "../model.ts";
import { describePrecision, fp32Precision } from "./precision.ts";
import type { Precision } from "./precision.ts";
import { partsOf, RECIPE_VERSION, storedTable, storedTensor, storedTiedHead } from "./precision-recipe.ts";
import { BLOCK_SIZE, quantizeBlocks, quantizeChannels } from "./quantize.ts";
import type { QuantizedBlocks, QuantizedChannels } from "./quantize.ts";
import { readTensor, tensorBytes } from "./safetensors.ts";
import type { TensorEntry } from "./safetensors.ts";
import type { TensorSource } from "./safetensors-writer.ts";
import { knownUnusedTensors } from "./unused-tensors.ts";
import { cachedWeights, contentKey } from "./weight-cache.ts";
import type { WeightCacheOptions } from "./weight-cache.ts";
import { Weights } from "./weights.ts";
import type { Matrix } from "./weights.ts";

/** The number to be raised when what is written by the same recipe changes. */
export const QUANTIZED_FORMAT = `format 1, recipe ${RECIPE_VERSION}`;

export interface WeightOptions extends WeightCacheOptions {
  /** Unset: fp32. */
  readonly precision?: Precision;
}

/** All weights of a checkpoint; what is not in the cache yet is put there. */
export async function prepareWeights(checkpoint: Checkpoint, options: WeightOptions): Promise<Weights> {
  const { precision = fp32Precision } = options;
  const { name } = checkpoint;
  const plan = planQuantization(checkpoint, precision);
  const matrices: [string, Matrix][] = [];
  if (plan.matrices.length > 0) {
    const files = await quantize(name, plan, { ...options, precision });
    matrices.push(...plan.matrices.map((matrix): [string, Matrix] => [matrix.name, stored(matrix, files)]));
  }
  const isHalf = ({ name, shape }: JoinedTensor): boolean =>
    storedTensor({ name, shape }, precision).precision === "fp16";
  const joined = checkpoint.joined.filter((tensor) => !isHalf(tensor));
  const fp32 = await floatWeights("fp32", { name, tensors: plan.fp32, joined }, options);
  const halves = { name, tensors: plan.fp16, joined: checkpoint.joined.filter(isHalf) };
  const fp16 = await floatWeights("fp16", halves, options);
  // Embeddings in fp32 whose head is in fp16: one name, and what is multiplied with is another tensor.
  const heads = [...fp16].filter(([tensor]) => fp32.has(tensor));
  matrices.push(...heads.map(([tensor, weight]): [string, Matrix] => [tensor, halfMatrix(weight)]));
  const tensors = fp16.size === 0 ? fp32 : new Map([...fp16, ...fp32]);
  return Weights.of(name, tensors, { matrices: new Map(matrices), precision });
}

interface PlannedMatrix {
  readonly name: string;
  readonly shape: readonly [to: number, from: number];
  readonly entry: TensorEntry;
  readonly precision: "int8" | "int8-block" | "int4";
  /** Why not that of its part; null where it is that one. */
  readonly reason: string | null;
}

export interface QuantizationPlan {
  readonly matrices: readonly PlannedMatrix[];
  readonly fp16: ReadonlyMap<string, TensorEntry>;
  /** The tensors that stay as they are; one that is also the head's matrix can be in `matrices` or `fp16`, too. */
  readonly fp32: ReadonlyMap<string, TensorEntry>;
}

/** Bytes that are read to make what is not fp32, and bytes that then has. What is fp16 in the checkpoint is not made. */
export function planBytes({ matrices, fp16 }: QuantizationPlan): { readonly from: number; readonly to: number } {
  const made = [...matrices.map(({ entry }) => entry), ...toConvert("fp16", fp16).flatMap(({ parts }) => parts)];
  const halves = toConvert("fp16", fp16).map(({ shape }) => tensorBytes("F16", shape));
  return {
    from: made.reduce((sum, entry) => sum + (entry?.byteLength ?? 0), 0),
    to: quantizedBytes(matrices) + halves.reduce((sum, bytes) => sum + bytes, 0),
  };
}

/** Bytes of all weights as they are computed with. */
export function storedBytes({ matrices, fp16, fp32 }: QuantizationPlan): number {
  const floats = [
    ...[...fp16.values()].map(({ shape }) => tensorBytes("F16", shape)),
    ...[...fp32.values()].map(({ shape }) => tensorBytes("F32", shape)),
  ];
  return floats.reduce((sum, bytes) => sum + bytes, quantizedBytes(matrices));
}

function quantizedBytes(matrices: readonly PlannedMatrix[]): number {
  return matrices.flatMap(sources).reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0);
}

/** Tensors that nothing reads are left alone. */
export function planQuantization(
  { config, tensors }: Pick<Checkpoint, "config" | "tensors">,
  precision: Precision,
): QuantizationPlan {
  const unused = knownUnusedTensors(config);
  const matrices: PlannedMatrix[] = [];
  const fp16 = new Map<string, TensorEntry>();
  const fp32 = new Map<string, TensorEntry>();
  for (const [name, entry] of tensors) {
    if (unused.some(({ names }) => names.test(name))) {
      fp32.set(name, entry);
      continue;
    }
    const head = storedTiedHead(entry, { precision, names: tensors });
    const own = storedTable(storedTensor(entry, precision), head);
    if (own.precision === "fp32") fp32.set(name, entry);
    for (const { precision, reason } of head === null ? [own] : [own, head]) {
      const [to = 0, from = 0] = entry.shape;
      if (precision === "fp16") fp16.set(name, entry);
      else if (precision !== "fp32") matrices.push({ name, shape: [to, from], entry, precision, reason });
    }
  }
  return { matrices, fp16, fp32 };
}

async function quantize(
  checkpoint: string,
  { matrices }: QuantizationPlan,
  options: WeightCacheOptions & { readonly precision: Precision },
): Promise<ReadonlyMap<string, TensorEntry>> {
  const derived = matrices.map(({ name, shape, precision, entry }) => ({
    description: [name, shape, precision],
    parts: [entry],
  }));
  return cachedWeights(
    {
      kind: "quantized",
      format: QUANTIZED_FORMAT,
      key: await contentKey(QUANTIZED_FORMAT, derived, options.cacheFolder),
      checkpoint,
      what: `${describePrecision(options.precision)} weights`,
      tensors: matrices.flatMap(sources),
    },
    options,
  );
}

/** The integers, then the scales that came with them. */
function sources(matrix: PlannedMatrix): readonly TensorSource[] {
  const { name, precision, entry } = matrix;
  const [to, from] = matrix.shape;
  const parts = partsOf(name);
  const isInt8 = precision === "int8";
  const bits = precision === "int4" ? 4 : 8;
  const blocks = from / BLOCK_SIZE;
  let scales: Float32Array | null = null;
  const read = async (): Promise<Int8Array | Uint8Array> => {
    const w = await readTensor(entry);
    const made: QuantizedChannels | QuantizedBlocks = isInt8
      ? quantizeChannels(w, { to, from, parts })
      : quantizeBlocks(w, bits);
    if (!made.scales.every(Number.isFinite)) {
      throw new CheckpointError(
        `${entry.file}: tensor "${entry.name}" has numbers that are not finite, which ${precision} cannot hold. ` +
          NOT_FINITE_ADVICE,
      );
    }
    ({ scales } = made);
    return made.values;
  };
  const readScales = (): Promise<Float32Array> => {
    if (scales === null) throw new Error(`scales of "${name}" asked for before its integers`);
    return Promise.resolve(scales);
  };
  const shape = isInt8 ? [parts, from, to / parts] : [to, blocks, (BLOCK_SIZE * bits) / 8];
  return [
    { name, dtype: isInt8 ? "I8" : "U8", shape, read },
    { name: `${name}.scales`, dtype: "F32", shape: isInt8 ? [to] : [to, blocks], read: readScales },
  ];
}

/** `weight` [to, from] */
function halfMatrix(weight: TensorEntry): Matrix {
  const [to = 0, from = 0] = weight.shape;
  return { kind: "fp16", shape: [to, from], weight };
}

function stored({ name, shape, precision }: PlannedMatrix, files: ReadonlyMap<string, TensorEntry>): Matrix {
  const [weight, scales] = [files.get(name), files.get(`${name}.scales`)];
  if (weight === undefined || scales === undefined) throw new Error(`no quantized "${name}" in the cache`);
  if (precision === "int8") return { kind: "int8", shape, parts: partsOf(name), weight, scales };
  return { kind: "block", shape, bits: precision === "int4" ? 4 : 8, weight, scales };
}
