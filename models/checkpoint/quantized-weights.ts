/**
 * A checkpoint's weights in the precision that was asked for: matrices quantized once, as precision-recipe.ts has it, into our
 * cache (weight-cache.ts); the rest as fp32-weights.ts gives it. One matrix is in memory at a time.
 */
import type { Checkpoint } from "./checkpoint.ts";
import { fp32Weights } from "./fp32-weights.ts";
import { CheckpointError } from "../model.ts";
import { describePrecision, fp32Precision } from "./precision.ts";
import type { Precision } from "./precision.ts";
import { partsOf, RECIPE_VERSION, storedTensor, storedTiedHead } from "./precision-recipe.ts";
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
  const plan = planQuantization(checkpoint, precision);
  if (plan.matrices.length === 0) return Weights.of(checkpoint.name, await fp32Weights(checkpoint, options));
  const files = await quantize(checkpoint.name, plan, { ...options, precision });
  const quantized = plan.matrices.map((matrix): [string, Matrix] => [matrix.name, stored(matrix, files)]);
  const rest = { ...checkpoint, tensors: plan.fp32 };
  return Weights.of(checkpoint.name, await fp32Weights(rest, options), new Map(quantized));
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
  /** The tensors that stay as they are. */
  readonly fp32: ReadonlyMap<string, TensorEntry>;
}

/** Bytes that are read to make them, and bytes they then have. */
export function planBytes({ matrices }: QuantizationPlan): { readonly from: number; readonly to: number } {
  const tensors = matrices.flatMap(sources);
  return {
    from: matrices.reduce((sum, { entry }) => sum + entry.byteLength, 0),
    to: tensors.reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0),
  };
}

/** Tensors that nothing reads are left alone. */
export function planQuantization(
  { config, tensors }: Pick<Checkpoint, "config" | "tensors">,
  precision: Precision,
): QuantizationPlan {
  const unused = knownUnusedTensors(config);
  const matrices: PlannedMatrix[] = [];
  const fp32 = new Map<string, TensorEntry>();
  for (const [name, entry] of tensors) {
    const isUnused = unused.some(({ names }) => names.test(name));
    const own = isUnused ? null : storedTensor(entry, precision);
    const head = isUnused ? null : storedTiedHead(entry, { precision, names: tensors });
    for (const how of [own, head]) {
      if (how === null || how.precision === "fp32") continue;
      const [to = 0, from = 0] = entry.shape;
      matrices.push({ name, shape: [to, from], entry, precision: how.precision, reason: how.reason });
    }
    if (own === null || own.precision === "fp32") fp32.set(name, entry);
  }
  return { matrices, fp32 };
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
          "Is the download complete? Keep its part in fp32 to use it as it is.",
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

function stored({ name, shape, precision }: PlannedMatrix, files: ReadonlyMap<string, TensorEntry>): Matrix {
  const [weight, scales] = [files.get(name), files.get(`${name}.scales`)];
  if (weight === undefined || scales === undefined) throw new Error(`no quantized "${name}" in the cache`);
  if (precision === "int8") return { kind: "int8", shape, parts: partsOf(name), weight, scales };
  return { kind: "block", shape, bits: precision === "int4" ? 4 : 8, weight, scales };
}
