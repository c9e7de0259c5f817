/**
 * ONNX Runtime's package, loaded after its telemetry is turned off. Every value of the package is imported from here, never from
 * the package: rooms.test.ts keeps it.
 */
import { decideTelemetry } from "./telemetry.ts"; // before the package: imports run in this order
import { InferenceSession } from "onnxruntime-node";

export { env, listSupportedBackends, Tensor } from "onnxruntime-node";
export type { InferenceSession } from "onnxruntime-node";

/** What starts ONNX Runtime in this process, and with it its telemetry where that is on. `bytes`: of a graph. */
export async function createSession(
  bytes: Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  await decideTelemetry();
  return InferenceSession.create(bytes, options);
}
