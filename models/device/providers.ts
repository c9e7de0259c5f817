/**
 * What ONNX Runtime can compute on, and a first computation on each: a product and an activation, on that device alone,
 * beside the same on the CPU.
 */
import { InferenceSession, listSupportedBackends } from "onnxruntime-node";
import { GraphBuilder } from "../graph/builder.ts";
import { float32Tensor, floats } from "../runtime.ts";

/** As ONNX Runtime calls its execution providers; the CPU's is always there. */
export const providerNames = ["cpu", "cuda", "webgpu", "coreml", "dml"] as const;
export type ProviderName = (typeof providerNames)[number];

export interface CompiledProvider {
  readonly name: string;
  /** Whether the package brings it; otherwise it is a file to install beside it. */
  readonly isBundled: boolean;
}

export function compiledProviders(): readonly CompiledProvider[] {
  return listSupportedBackends().map(({ name, bundled }) => ({ name, isBundled: bundled }));
}

const size = 16; // large enough for a kernel's vector lanes, small enough for any device

/** The largest difference from the CPU's numbers. Throws what ONNX Runtime says where the provider does not start. */
export async function differenceFromCpu(name: ProviderName): Promise<number> {
  const expected = await compute("cpu");
  const found = await compute(name);
  return found.reduce((most, value, at) => Math.max(most, Math.abs(value - (expected[at] ?? Infinity))), 0);
}

async function compute(name: ProviderName): Promise<Float32Array> {
  const g = new GraphBuilder("device-test");
  const x = g.input("x", [size, size]);
  g.output("y", g.relu(g.add(g.matmul(x, x), x))); // [size, size]
  const session = await InferenceSession.create(g.finish().bytes, {
    executionProviders: [name],
    logSeverityLevel: 4, // what goes wrong is thrown, too
    // Without this, a node that the provider does not take is computed on the CPU, and nothing says so.
    ...(name !== "cpu" && { extra: { session: { disable_cpu_ep_fallback: "1" } } }),
  });
  const numbers = Float32Array.from({ length: size * size }, (_, at) => Math.sin(at));
  const { y } = await session.run({ x: float32Tensor(numbers, [size, size]) });
  if (y === undefined) throw new Error("the test graph gave no output");
  const values = floats(y);
  await session.release();
  return values;
}
