/**
 * What this machine can do at most, measured in the same run as what is compared with it: matrix products of many rows and of
 * one, and reading memory. Operators of ONNX Runtime on weights that lie as a model's do, without anything around them.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { BLOCK_SIZE, quantizeBlocks } from "../../models/checkpoint/quantize.ts";
import { readSafetensorsHeader } from "../../models/checkpoint/safetensors.ts";
import type { TensorEntry } from "../../models/checkpoint/safetensors.ts";
import { writeSafetensors } from "../../models/checkpoint/safetensors-writer.ts";
import type { TensorSource } from "../../models/checkpoint/safetensors-writer.ts";
import { matrixProduct } from "../../models/graph/layers.ts";
import { GraphBuilder } from "../../models/graph/builder.ts";
import type { Matrix } from "../../models/checkpoint/weights.ts";
import { float32Tensor, Session } from "../../models/runtime.ts";

export interface Ceilings {
  /** Multiplications and additions, a second, of a product of many rows: fp32, and int8 with its rows rounded on the way. */
  readonly fp32: number;
  readonly int8: number;
  /** Bytes of weights a second that a product of one row gets through; more than any cache holds. */
  readonly oneRowFp32: number;
  readonly oneRowInt4: number;
  /** Bytes a second of a sum over as much memory. */
  readonly read: number;
}

const square = { rows: 1024, width: 3072 }; // as many rows as four images have tokens, as wide as a base model's MLP
const wide = { to: 16384, from: 8192 }; // 512 MiB in fp32
const rounds = 7; // the fastest of them: neighbours only ever slow one down

export async function measureCeilings(threads: number): Promise<Ceilings> {
  const folder = await mkdtemp(path.join(tmpdir(), "blip2-bench-ceilings-"));
  try {
    const file = path.join(folder, "weights.safetensors");
    await writeSafetensors(file, sources());
    const entries = await readSafetensorsHeader(file);
    const entry = (name: string): TensorEntry => entries.get(name)!;

    const { rows, width } = square;
    const side = [width, width] as const;
    const fp32: Matrix = { kind: "fp32", shape: side, weight: entry("square") };
    const int8: Matrix = { kind: "int8", shape: side, parts: 1, weight: entry("square8"), scales: entry("scales8") };
    const broad = [wide.to, wide.from] as const;
    const wideFp32: Matrix = { kind: "fp32", shape: broad, weight: entry("wide") };
    const int4: Matrix = { kind: "block", bits: 4, shape: broad, weight: entry("wide4"), scales: entry("scales4") };
    const operations = 2 * rows * width * width;
    const int4Bytes = int4.weight.byteLength + int4.scales.byteLength;
    return {
      fp32: operations / (await fastest(product(fp32), rows, threads)),
      int8: operations / (await fastest(product(int8), rows, threads)),
      oneRowFp32: wideFp32.weight.byteLength / (await fastest(product(wideFp32), 1, threads)),
      oneRowInt4: int4Bytes / (await fastest(product(int4), 1, threads)),
      read: await readRate(threads),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Product {
  readonly width: number;
  readonly build: (g: GraphBuilder) => void;
}

function product(matrix: Matrix): Product {
  const [, width] = matrix.shape;
  return {
    width,
    build: (g) => {
      const x = g.input("x", ["rows", width]);
      g.output("y", g.max(matrixProduct(g, x, { matrix, bias: null }), 0)); // little leaves the graph
    },
  };
}

/** Seconds of the fastest round. */
async function fastest({ width, build }: Product, rows: number, threads: number): Promise<number> {
  const g = new GraphBuilder("ceiling");
  build(g);
  const session = await Session.load(g.finish(), { threads });
  try {
    const x = float32Tensor(
      Float32Array.from({ length: rows * width }, (_, index) => Math.sin(index)),
      [rows, width],
    );
    return await fastestOf(() => session.run({ x }, ["y"]));
  } finally {
    await session.release();
  }
}

/** Bytes a second: as many rows as there are threads, the largest number of each looked for. */
async function readRate(threads: number): Promise<number> {
  const numbers = wide.to * wide.from;
  const g = new GraphBuilder("read");
  g.output("y", g.max(g.input("x", ["rows", "numbers"]), 1));
  const session = await Session.load(g.finish(), { threads });
  try {
    const rows = threads * 64;
    const length = Math.floor(numbers / rows);
    const x = float32Tensor(new Float32Array(rows * length).fill(1), [rows, length]);
    return (rows * length * 4) / (await fastestOf(() => session.run({ x }, ["y"])));
  } finally {
    await session.release();
  }
}

async function fastestOf(work: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    await work();
    least = Math.min(least, performance.now() - start);
  }
  return least / 1000;
}

/** What the numbers are does not matter to the time they take, so long as they are not all alike. */
function sources(): readonly TensorSource[] {
  const waves = (length: number): Float32Array => Float32Array.from({ length }, (_, index) => Math.sin(index) / 50);
  const { width } = square;
  const row = waves(BLOCK_SIZE * 8);
  const blocks = quantizeBlocks(row, 4);
  const repeated = <Array extends Uint8Array | Float32Array>(part: Array, whole: Array): Array => {
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
  return [
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
