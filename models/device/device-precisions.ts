/** What each device can compute in: ONNX Runtime would otherwise compute a part on the CPU, copying to and fro, without a word. */
import { modelParts, precisionNames } from "../checkpoint/precision.ts";
import type { Precision, PrecisionName } from "../checkpoint/precision.ts";
import type { ProviderName } from "./device.ts";

/** int8 is DynamicQuantizeMatMul, which is the CPU's alone; int4 and int8-block are MatMulNBits. */
const precisions: Readonly<Record<ProviderName, readonly PrecisionName[]>> = {
  cpu: precisionNames,
  cuda: ["fp32", "int8-block", "int4"],
  webgpu: ["fp32", "int8-block", "int4"],
  coreml: ["fp32"],
  dml: ["fp32", "int4"],
};

export function precisionsOn(provider: ProviderName): readonly PrecisionName[] {
  return precisions[provider];
}

/** The first part whose precision the device does not compute in, as it is spelt: `vision=int8`; null: it can all. */
export function unfitPart(precision: Precision, provider: ProviderName): string | null {
  const part = modelParts.find((each) => !precisions[provider].includes(precision[each]));
  return part === undefined ? null : `${part}=${precision[part]}`;
}
