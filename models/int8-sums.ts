/**
 * Whether this processor adds up products of 8-bit integers without overflow, as a product of the largest ones tells. Some
 * without VNNI add pairs in 16 bits. ONNX Runtime's remedy, weights of another sign, also keeps it from units that are both
 * exact and several times faster (AMX), so it is taken only where it is needed.
 */
import { GraphBuilder } from "./graph/builder.ts";
import { createSession, Tensor } from "./onnxruntime.ts";

const width = 64; // whole tiles and vectors of every kernel
const largest = { activation: 255, weight: 127 }; // a pair of products is 64,770, twice what 16 bits hold
const rowCounts = [1, 16, 64]; // kernels differ between one row, few and many

let answer: Promise<boolean> | null = null;

/** Found out once a process. */
export function areInt8SumsExact(): Promise<boolean> {
  answer ??= tryLargestSums();
  return answer;
}

async function tryLargestSums(): Promise<boolean> {
  const g = new GraphBuilder("int8-sums");
  const weight = g.input("weight", [width, width], "int8");
  const scales = g.input("scales", [width]);
  g.output("y", g.dynamicQuantizedMatmul(g.input("x", ["rows", width]), { weight, scales }, null)); // [rows, width]
  const session = await createSession(g.finish().bytes, {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
  });
  try {
    const expected = width * largest.activation * largest.weight; // below 2 ** 24: exact in float32
    for (const rows of rowCounts) {
      const { y } = await session.run({
        x: new Tensor("float32", new Float32Array(rows * width).fill(largest.activation), [rows, width]),
        weight: new Tensor("int8", new Int8Array(width * width).fill(largest.weight), [width, width]),
        scales: new Tensor("float32", new Float32Array(width).fill(1), [width]),
      });
      if (!(y?.data instanceof Float32Array) || y.data.some((sum) => sum !== expected)) return false;
    }
    return true;
  } finally {
    await session.release();
  }
}
