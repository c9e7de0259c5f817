/** What each device can compute in: ONNX Runtime would otherwise compute a part on the CPU, copying data there and back, without a message. */
import { describePrecision, everyPart, modelParts, precisionNames } from "../checkpoint/precision.ts";
import type { Precision, PrecisionName } from "../checkpoint/precision.ts";
import type { Device, ProviderName } from "./device.ts";

/** int8 is DynamicQuantizeMatMul, the CPU's alone; int4 and int8-block are MatMulNBits. Seen on cpu and webgpu only. */
const precisions: Readonly<Record<ProviderName, readonly PrecisionName[]>> = {
  cpu: precisionNames,
  cuda: ["fp32", "fp16", "int8-block", "int4"],
  webgpu: ["fp32", "fp16", "int8-block", "int4"],
  coreml: ["fp32"],
  dml: ["fp32", "fp16", "int4"],
};

/** A driver may lack fp16 (WebGPU's shader-f16). */
export function precisionsOn({ provider, halfRefusal }: Omit<Device, "id">): readonly PrecisionName[] {
  return precisions[provider].filter((name) => name !== "fp16" || halfRefusal === undefined);
}

/** int4 where nothing computes in int8, which is what it has for the other parts, is int4 in these, too. */
export function precisionOn(precision: Precision, device: Device): Precision {
  const isWhole = describePrecision(precision) === "int4";
  return isWhole && !precisionsOn(device).includes("int8") ? everyPart("int4") : precision;
}

/** The first part whose precision the device does not compute in, as it is spelt: `vision=int8`; null: it can all. */
export function unfitPart(precision: Precision, device: Device): string | null {
  const part = modelParts.find((each) => !precisionsOn(device).includes(precision[each]));
  return part === undefined ? null : `${part}=${precision[part]}`;
}
