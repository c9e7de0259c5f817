/**
 * A layer with a quantized matrix against a plain product with the numbers the integers stand for. What is left between them is
 * the rounding of x to 8 bits: at most half a step of x for each number, times that number's weight.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { BLOCK_SIZE, quantizeBlocks, quantizeChannels } from "../../../models/checkpoint/quantize.ts";
import { readSafetensorsHeader } from "../../../models/checkpoint/safetensors.ts";
import { writeSafetensors } from "../../../models/checkpoint/safetensors-writer.ts";
import type { TensorSource } from "../../../models/checkpoint/safetensors-writer.ts";
import type { Matrix } from "../../../models/checkpoint/weights.ts";
import { GraphBuilder } from "../../../models/graph/builder.ts";
import { matrixProduct } from "../../../models/graph/layers.ts";
import { float32Tensor, floats, Session } from "../../../models/runtime.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";
import { testMatrix } from "../../support/test-matrix.ts";

const [rows, from, to, parts] = [5, 96, 48, 3];
const x = Float32Array.from({ length: rows * from }, (_, i) => Math.sin(i * 0.7) * (1 + (i % 3)));
const w = testMatrix(to * from);
const bias = Float32Array.from({ length: to }, (_, i) => i / 10 - 2);

interface Stored {
  /** W as the integers have it, [to, from]. */
  readonly dequantized: Float32Array;
  readonly matrix: Matrix;
  readonly bias: Awaited<ReturnType<typeof entries>>[number];
}

async function entries(sources: readonly TensorSource[]) {
  const file = path.join(temporaryFolder(), "weights.safetensors");
  await writeSafetensors(file, sources);
  return [...(await readSafetensorsHeader(file)).values()];
}

function source(name: string, dtype: TensorSource["dtype"], shape: readonly number[], values: ArrayBufferView) {
  return { name, dtype, shape, read: () => Promise.resolve(values) };
}

async function channels(count: number): Promise<Stored> {
  const { values, scales } = quantizeChannels(w, { to, from, parts: count });
  const [weight, scaleEntry, biasEntry] = await entries([
    source("w", "I8", [count, from, to / count], values),
    source("w.scales", "F32", [to], scales),
    source("b", "F32", [to], bias),
  ]);
  const columns = to / count;
  const dequantized = w.map((_, i) => {
    const [row, k] = [Math.floor(i / from), i % from];
    const part = Math.floor(row / columns);
    return values[part * columns * from + k * columns + (row % columns)]! * scales[row]!;
  });
  const matrix = { kind: "int8", shape: [to, from], parts: count, weight: weight!, scales: scaleEntry! } as const;
  return { dequantized, matrix, bias: biasEntry! };
}

async function blocks(bits: 4 | 8): Promise<Stored> {
  const { values, scales } = quantizeBlocks(w, bits);
  const [weight, scaleEntry, biasEntry] = await entries([
    source("w", "U8", [to, from / BLOCK_SIZE, (BLOCK_SIZE * bits) / 8], values),
    source("w.scales", "F32", [to, from / BLOCK_SIZE], scales),
    source("b", "F32", [to], bias),
  ]);
  const dequantized = w.map((_, i) => {
    const q = bits === 8 ? values[i]! : (values[i >> 1]! >> (i % 2 === 0 ? 0 : 4)) & 15;
    return (q - 2 ** (bits - 1)) * scales[Math.floor(i / BLOCK_SIZE)]!;
  });
  const matrix = { kind: "block", bits, shape: [to, from], weight: weight!, scales: scaleEntry! } as const;
  return { dequantized, matrix, bias: biasEntry! };
}

async function computed({ matrix, bias: b }: Stored, range?: { from: number; count: number }): Promise<Float32Array> {
  const g = new GraphBuilder("product");
  const y = matrixProduct(g, g.input("x", ["rows", from]), { matrix, bias: range === undefined ? null : b }, range);
  g.output("y", y);
  const session = await Session.load(g.finish(), { threads: 1 });
  const found = floats((await session.run({ x: float32Tensor(x, [rows, from]) }, ["y"])).y).slice();
  await session.release();
  return found;
}

/** Half a step of x at each place: of all of x, or of its block. */
function halfSteps(kind: Matrix["kind"]): Float64Array {
  if (kind === "int8") return new Float64Array(x.length).fill((Math.max(...x) - Math.min(...x)) / 255 / 2);
  return Float64Array.from(x, (_, i) => {
    const start = i - (i % BLOCK_SIZE);
    return Math.max(...x.subarray(start, start + BLOCK_SIZE).map(Math.abs)) / 127 / 2;
  });
}

function assertWithin(found: Float32Array, stored: Stored, range?: { from: number; count: number }): void {
  const { from: first, count } = range ?? { from: 0, count: to };
  assert.equal(found.length, rows * count);
  const half = halfSteps(stored.matrix.kind);
  let largest = 0;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < count; column += 1) {
      let [sum, allowed] = [range === undefined ? 0 : bias[first + column]!, 1e-4];
      for (let k = 0; k < from; k += 1) {
        const weight = stored.dequantized[(first + column) * from + k]!;
        sum += x[row * from + k]! * weight;
        allowed += half[row * from + k]! * Math.abs(weight) * 1.01;
      }
      const difference = Math.abs(found[row * count + column]! - sum);
      largest = Math.max(largest, difference);
      assert.ok(difference <= allowed, `row ${row}, column ${column}: off by ${difference}, allowed ${allowed}`);
    }
  }
  assert.ok(largest > 1e-6, "x was rounded: else this is not the operator it should be");
}

const kinds: readonly (readonly [string, (split: boolean) => Promise<Stored>])[] = [
  ["int8", (split) => channels(split ? parts : 1)],
  ["4-bit blocks", () => blocks(4)],
  ["8-bit blocks", () => blocks(8)],
];

for (const [name, store] of kinds) {
  describe(`a layer of ${name}`, () => {
    it("gives the product with the numbers its integers stand for", async () => {
      const stored = await store(false);
      assertWithin(await computed(stored), stored);
    });

    it("gives any of its parts, with that part of the bias", async () => {
      const stored = await store(true);
      for (let part = 0; part < parts; part += 1) {
        const range = { from: (part * to) / parts, count: to / parts };
        assertWithin(await computed(stored, range), stored, range);
      }
    });
  });
}

describe("a layer of int8 in parts", () => {
  it("is not taken in other parts, or whole", async () => {
    const stored = await channels(parts);
    await assert.rejects(() => computed(stored), /w: 48 rows are no part of it/);
    await assert.rejects(() => computed(stored, { from: 0, count: 8 }), /w: 8 rows are no part of it/);
  });
});
