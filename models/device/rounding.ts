/**
 * How a processor rounds, as a fingerprint of fixed products. ONNX Runtime picks its kernels by the instruction sets it
 * finds; they add up in other orders, so answers may differ in their last bits. Machines with one fingerprint are taken to
 * compute one answer.
 */
import { createHash } from "node:crypto";
import { GraphBuilder } from "../graph/builder.ts";
import { createSession, Tensor } from "../onnxruntime.ts";
import { modelParts } from "../checkpoint/precision.ts";
import type { Precision } from "../checkpoint/precision.ts";
import type { Device } from "./device.ts";

const width = 128; // whole tiles and vectors of every kernel
const rowCounts = [1, 7, 64]; // kernels differ between one row, few and many, and have a rest that fills no vector
const period = 251; // a prime: no two rows of the fixed numbers are alike

/**
 * 16 hexadecimal digits for the CPU; for another device its provider and name. `instructions`: the processor's
 * instruction sets. They are part of the fingerprint of block-wise integers, whose kernels take only weights that were
 * packed when the graph was loaded, so that fixed products cannot tell them apart.
 */
export async function roundingOf(
  precision: Precision,
  { device, instructions }: { readonly device: Device; readonly instructions: readonly string[] },
): Promise<string> {
  if (device.provider !== "cpu") {
    return `${device.provider} ${device.name ?? "unknown"}`;
  }
  const names = new Set(modelParts.map((part) => precision[part]));
  const hash = createHash("sha256");
  for (const output of await fixedProducts(names.has("int8"))) hash.update(output);
  if (names.has("int8-block") || names.has("int4")) hash.update(instructions.join(" "));
  return hash.digest("hex").slice(0, 16);
}

async function fixedProducts(withInt8: boolean): Promise<readonly Uint8Array[]> {
  const g = new GraphBuilder("rounding");
  const x = g.input("x", ["rows", width]);
  const weight = g.reshape(g.vector([...fixedNumbers(width * width, 3)]), [width, width]);
  const product = g.gemm(x, weight, null); // [rows, width]
  g.output("squares", g.matmul(g.transpose(product, [1, 0]), product)); // [width, width]
  g.output("likely", g.softmax(g.gelu(product))); // [rows, width]
  if (withInt8) {
    const scales = g.input("scales", [width]);
    g.output(
      "rounded",
      g.dynamicQuantizedMatmul(product, { weight: g.input("integers", [width, width], "int8"), scales }, null),
    );
  }
  const session = await createSession(g.finish().bytes, { executionProviders: ["cpu"], intraOpNumThreads: 1 });
  try {
    const found: Uint8Array[] = [];
    for (const rows of rowCounts) {
      const outputs = await session.run({
        x: new Tensor("float32", fixedNumbers(rows * width, 7), [rows, width]),
        ...(withInt8 && {
          integers: new Tensor(
            "int8",
            Int8Array.from(fixedNumbers(width * width, 5), (number) => number * 127),
            [width, width],
          ),
          scales: new Tensor("float32", fixedNumbers(width, 11), [width]),
        }),
      });
      for (const name of Object.keys(outputs).toSorted()) {
        const { data } = outputs[name]!;
        if (data instanceof Float32Array) found.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
    }
    return found;
  } finally {
    await session.release();
  }
}

/** Numbers between -0.5 and 0.5 that need all bits of a float. */
function fixedNumbers(count: number, step: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => ((index * step) % period) / period - 0.5);
}
