/**
 * The peak rates of this machine or one of its devices: matrix products of many rows and of one row, and reading
 * memory. They are measured in the process whose pipeline is compared with them, by single ONNX Runtime operators on
 * weights that are laid out in memory as a model's are.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { narrowFloat16 } from "../../../models/checkpoint/half-precision.ts";
import type { PrecisionName } from "../../../models/checkpoint/precision.ts";
import { BLOCK_SIZE, quantizeBlocks } from "../../../models/checkpoint/quantize.ts";
import { readSafetensorsHeader } from "../../../models/checkpoint/safetensors.ts";
import type { TensorEntry } from "../../../models/checkpoint/safetensors.ts";
import { writeSafetensors } from "../../../models/checkpoint/safetensors-writer.ts";
import type { TensorSource } from "../../../models/checkpoint/safetensors-writer.ts";
import { cpuDevice } from "../../../models/device/device.ts";
import { precisionsOn } from "../../../models/device/device-precisions.ts";
import { matrixProduct } from "../../../models/graph/layers.ts";
import { GraphBuilder } from "../../../models/graph/builder.ts";
import type { Matrix } from "../../../models/checkpoint/weights.ts";
import { float32Tensor, Session } from "../../../models/runtime.ts";
import type { RuntimeOptions } from "../../../models/runtime.ts";

export interface Ceilings {
  /**
   * Multiplications and additions a second in a product of many rows. For int8 this includes the quantization of the
   * rows.
   */
  readonly fp32: number;
  /** null, here and below: not measured, or the device does not support the precision. */
  readonly fp16: number | null;
  readonly int8: number | null;
  /** Bytes of weights a second that a product of one row reads; the matrix is larger than any cache. */
  readonly oneRowFp32: number;
  readonly oneRowFp16: number | null;
  readonly oneRowInt4: number | null;
  /**
   * The highest number of bytes read a second: by a product of one row or, on the CPU, by a sum over an equal amount of
   * memory. A device does not run the sum, since its input would have to be copied there first.
   */
  readonly read: number;
}

export interface CeilingOptions extends Pick<RuntimeOptions, "device" | "threads"> {
  /** Whether fp16 is measured as well; unset: no, since the CPU has no kernels for it. */
  readonly half?: boolean;
}

const square = { rows: 1024, width: 3072 }; // as many rows as four images have tokens, as wide as a base model's MLP
const wide = { to: 16384, from: 8192 }; // 512 MiB in fp32
const rounds = 7; // the fastest counts, since other processes can only slow a round down
const mostSeconds = 10; // limit for all rounds together, for a slow device
/** A run on a device is extended to at least this many seconds, so that starting it and waiting for it hardly count. */
const longEnough = 0.05;
const mostProducts = 64;

export async function measureCeilings(options: CeilingOptions): Promise<Ceilings> {
  const { device = cpuDevice, half = false } = options;
  const fits = (name: PrecisionName): boolean => precisionsOn(device).includes(name);
  const hasHalf = half && fits("fp16");
  const folder = await mkdtemp(path.join(tmpdir(), "blip2-bench-ceilings-"));
  try {
    const file = path.join(folder, "weights.safetensors");
    await writeSafetensors(file, sources(hasHalf));
    const entries = await readSafetensorsHeader(file);
    const entry = (name: string): TensorEntry => entries.get(name)!;

    const { rows, width } = square;
    const side = [width, width] as const;
    const many = async (matrix: Matrix): Promise<number> =>
      (2 * rows * width * width) / (await secondsOf({ matrix, rows: entry("rows") }, options));
    const broad = [wide.to, wide.from] as const;
    const one = async (matrix: Matrix): Promise<number> => {
      const bytes = matrix.weight.byteLength + ("scales" in matrix ? matrix.scales.byteLength : 0);
      return bytes / (await secondsOf({ matrix, rows: entry("row") }, options));
    };
    const int8: Matrix = { kind: "int8", shape: side, parts: 1, weight: entry("square8"), scales: entry("scales8") };
    const int4: Matrix = { kind: "block", bits: 4, shape: broad, weight: entry("wide4"), scales: entry("scales4") };
    const oneRow = {
      oneRowFp32: await one({ kind: "fp32", shape: broad, weight: entry("wide") }),
      oneRowFp16: hasHalf ? await one({ kind: "fp16", shape: broad, weight: entry("wide16") }) : null,
      oneRowInt4: fits("int4") ? await one(int4) : null,
    };
    return {
      fp32: await many({ kind: "fp32", shape: side, weight: entry("square") }),
      fp16: hasHalf ? await many({ kind: "fp16", shape: side, weight: entry("square16") }) : null,
      int8: fits("int8") ? await many(int8) : null,
      ...oneRow,
      read: Math.max(
        oneRow.oneRowFp32,
        oneRow.oneRowFp16 ?? 0,
        device.provider === "cpu" ? await readRate(options) : 0,
      ),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Product {
  readonly matrix: Matrix;
  /**
   * The input rows, stored as a weight beside the matrix, so that only one number is copied to a device and one back.
   */
  readonly rows: TensorEntry;
}

/** Seconds of one product. */
async function secondsOf(product: Product, options: CeilingOptions): Promise<number> {
  const alone = await fastest(product, 1, options);
  if ((options.device ?? cpuDevice).provider === "cpu" || alone >= longEnough) return alone;
  const times = Math.min(mostProducts, Math.ceil(longEnough / alone));
  return Math.min(alone, (await fastest(product, times, options)) / times);
}

/** Seconds of the fastest round of `times` products, each with different rows. */
async function fastest({ matrix, rows }: Product, times: number, options: CeilingOptions): Promise<number> {
  const g = new GraphBuilder("ceiling");
  // a product of constants alone would be computed when the graph is loaded
  const x = g.multiply(g.weight(rows), g.input("scale", [1]));
  const largest = Array.from({ length: times }, (_, index) => {
    const own = index === 0 ? x : g.multiply(x, g.scalar(1 + index / mostProducts));
    return g.cast(g.max(g.max(matrixProduct(g, own, { matrix, bias: null }), 0), 0), "float32");
  });
  g.output(
    "y",
    largest.reduce((sum, each) => g.add(sum, each)),
  );
  const session = await Session.load(g.finish(), options);
  try {
    const scale = float32Tensor(Float32Array.of(1), [1]);
    return await fastestOf(() => session.run({ scale }, ["y"]));
  } finally {
    await session.release();
  }
}

/** Bytes a second, measured by finding the maximum of each of as many rows as there are threads. */
async function readRate(options: CeilingOptions): Promise<number> {
  const numbers = wide.to * wide.from;
  const g = new GraphBuilder("read");
  g.output("y", g.max(g.input("x", ["rows", "numbers"]), 1));
  const session = await Session.load(g.finish(), options);
  try {
    const rows = options.threads * 64;
    const length = Math.floor(numbers / rows);
    const x = float32Tensor(new Float32Array(rows * length).fill(1), [rows, length]);
    return (rows * length * 4) / (await fastestOf(() => session.run({ x }, ["y"])));
  } finally {
    await session.release();
  }
}

async function fastestOf(work: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  const begin = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    await work();
    least = Math.min(least, performance.now() - start);
    if (round > 0 && performance.now() - begin > mostSeconds * 1000) break;
  }
  return least / 1000;
}

/** Weights with varied made-up values; the time a product takes does not depend on them. */
function sources(half: boolean): readonly TensorSource[] {
  const waves = (length: number): Float32Array => Float32Array.from({ length }, (_, index) => Math.sin(index) / 50);
  const { width } = square;
  const row = waves(BLOCK_SIZE * 8);
  const blocks = quantizeBlocks(row, 4);
  const repeated = <Array extends Uint8Array | Uint16Array | Float32Array>(part: Array, whole: Array): Array => {
    for (let at = 0; at < whole.length; at += part.length) whole.set(part.subarray(0, whole.length - at), at);
    return whole;
  };
  const numbers = wide.to * wide.from;
  const tensor = (
    name: string,
    dtype: TensorSource["dtype"],
    shape: readonly number[],
    make: () => ArrayBufferView,
  ) => ({
    name,
    dtype,
    shape,
    read: () => Promise.resolve(make()),
  });
  const { rows } = square;
  const narrow = (numbers: Float32Array, length: number): Uint16Array =>
    repeated(narrowFloat16(numbers), new Uint16Array(length));
  const halves = [
    tensor("square16", "F16", [width, width], () => narrow(waves(4096), width * width)),
    tensor("wide16", "F16", [wide.to, wide.from], () => narrow(waves(4096), numbers)),
  ];
  return [
    ...(half ? halves : []),
    tensor("rows", "F32", [rows, width], () => waves(rows * width)),
    tensor("row", "F32", [1, wide.from], () => waves(wide.from)),
    tensor("square", "F32", [width, width], () => waves(width * width)),
    tensor("square8", "I8", [width, width], () =>
      Int8Array.from({ length: width * width }, (_, at) => (at * 37) % 127),
    ),
    tensor("scales8", "F32", [width], () => new Float32Array(width).fill(0.01)),
    tensor("wide", "F32", [wide.to, wide.from], () => repeated(waves(4096), new Float32Array(numbers))),
    tensor("wide4", "U8", [wide.to, wide.from / BLOCK_SIZE, BLOCK_SIZE / 2], () =>
      repeated(blocks.values, new Uint8Array(numbers / 2)),
    ),
    tensor("scales4", "F32", [wide.to, wide.from / BLOCK_SIZE], () =>
      repeated(blocks.scales, new Float32Array(numbers / BLOCK_SIZE)),
    ),
  ];
}
