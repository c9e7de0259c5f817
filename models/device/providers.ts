/**
 * What ONNX Runtime can compute on, and a first computation on each: a product and an activation, on that device alone,
 * beside the same on the CPU.
 */
import { GraphBuilder } from "../graph/builder.ts";
import { createSession, listSupportedBackends } from "../onnxruntime.ts";
import { float32Tensor, floats } from "../runtime.ts";
import { cpuDevice, executionProvider } from "./device.ts";
import type { Device } from "./device.ts";

export interface CompiledProvider {
  readonly name: string;
  /** Whether the package brings it; otherwise it is a file to install beside it. */
  readonly isBundled: boolean;
}

export function compiledProviders(): readonly CompiledProvider[] {
  return listSupportedBackends().map(({ name, bundled }) => ({ name, isBundled: bundled }));
}

const size = 16; // large enough for a kernel's vector lanes, small enough for any device

/** What the device's driver says when it is to compute in fp16, in a line; null: it computes. */
export async function halfRefusal(device: Device): Promise<string | null> {
  try {
    await compute(device, "float16");
    return null;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return line.replace(/^.*Status Message: (?:\S+:\d+ \S+ )?/, "");
  }
}

/** The largest difference from the CPU's numbers. Throws what ONNX Runtime says where the provider does not start. */
export async function differenceFromCpu(device: Device): Promise<number> {
  const expected = await compute(cpuDevice);
  const found = await compute(device);
  return found.reduce((most, value, at) => Math.max(most, Math.abs(value - (expected[at] ?? Infinity))), 0);
}

async function compute(device: Device, type: "float32" | "float16" = "float32"): Promise<Float32Array> {
  const g = new GraphBuilder("device-test");
  const given = g.input("x", [size, size]);
  const x = g.cast(given, type);
  g.output("y", g.cast(g.relu(g.add(g.matmul(x, x), x)), "float32")); // [size, size]
  const session = await createSession(g.finish().bytes, {
    executionProviders: [executionProvider(device)],
    logSeverityLevel: 4, // what goes wrong is thrown, too
    // Without this, a node that the provider does not take is computed on the CPU, and nothing says so.
    ...(device.provider !== "cpu" && { extra: { session: { disable_cpu_ep_fallback: "1" } } }),
  });
  const numbers = Float32Array.from({ length: size * size }, (_, at) => Math.sin(at));
  const { y } = await session.run({ x: float32Tensor(numbers, [size, size]) });
  if (y === undefined) throw new Error("the test graph gave no output");
  const values = floats(y);
  await session.release();
  return values;
}
