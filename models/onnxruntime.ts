/**
 * ONNX Runtime's package, loaded after its telemetry is turned off. Every value of the package is imported from here, never from
 * the package: rooms.test.ts keeps it.
 */
import { decideTelemetry } from "./telemetry.ts"; // before the package: imports run in this order
import { InferenceSession, Tensor } from "onnxruntime-node";

export { env, listSupportedBackends, Tensor } from "onnxruntime-node";
export type { InferenceSession } from "onnxruntime-node";

keepHalvesAsBits();

/**
 * Where JavaScript has Float16Array (Node 24), the package keeps numbers of type float16 in one, and its native part, which does
 * not know it, reads it as empty. The package looks for it once, with the first tensor: not finding it, it takes Uint16Array, as
 * on older Nodes and as our graphs are fed.
 */
function keepHalvesAsBits(): void {
  const halves = Object.getOwnPropertyDescriptor(globalThis, "Float16Array");
  if (halves === undefined) return;
  Reflect.deleteProperty(globalThis, "Float16Array");
  try {
    Reflect.construct(Tensor, ["bool", [true]]);
  } finally {
    Object.defineProperty(globalThis, "Float16Array", halves);
  }
}

/** What starts ONNX Runtime in this process, and with it its telemetry where that is on. `bytes`: of a graph. */
export async function createSession(
  bytes: Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  await decideTelemetry();
  return InferenceSession.create(bytes, options);
}
