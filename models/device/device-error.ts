/**
 * What goes wrong on a device while a model computes: its memory runs out, or the device itself is gone. ONNX Runtime throws one
 * kind of error for all, so it is recognised by its message.
 */

/** Fewer at a time may fit. */
export class OutOfDeviceMemoryError extends Error {
  override readonly name = "OutOfDeviceMemoryError";
}

/** Nothing computes on it any more in this process: it was reset or unplugged, or its driver crashed. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}

/** CUDA's arena and runtime; WebGPU and Vulkan; DirectML. */
const memoryWords = [
  /Failed to allocate memory for requested buffer/i,
  /Arena ran out of memory/i,
  /\bout of (device )?memory\b/i,
  /Failed to create GPU buffer/i,
  /VK_ERROR_OUT_OF_/,
  /ALLOC_FAILED/,
  /8007000E|Not enough memory resources/i,
];

/** A fault in CUDA (700 and the like) leaves its whole context unusable. */
const lostWords = [
  /\bdevice\b.{0,20}\blost\b/i,
  /VK_ERROR_DEVICE_LOST/,
  /Failed to download data from buffer/i,
  /external Instance reference no longer exists/i,
  /CUDA failure (4[56]|7\d\d|999)\b/i,
  /illegal memory access|unspecified launch failure/i,
  /887A000[567]|887A0020|DXGI_ERROR_DEVICE_(REMOVED|HUNG|RESET)/i,
];

/** The error unchanged where it is neither. `where`: the graph, and the device. */
export function deviceError(error: unknown, where: string): unknown {
  const words = error instanceof Error ? error.message : String(error);
  const [line = ""] = words.split("\n");
  if (lostWords.some((each) => each.test(words))) {
    return new DeviceLostError(`${where}: the device was lost: ${line}`, { cause: error });
  }
  if (memoryWords.some((each) => each.test(words))) {
    return new OutOfDeviceMemoryError(`${where}: out of device memory: ${line}`, { cause: error });
  }
  return error;
}
