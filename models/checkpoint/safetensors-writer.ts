/**
 * Writes a safetensors file, one tensor in memory at a time: the header needs only names, types and shapes.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { tensorBytes } from "./safetensors.ts";
import type { SafetensorsType } from "./safetensors.ts";

/** A tensor to be written. `read` is called once, when its turn has come, and gives exactly its bytes. */
export interface TensorSource {
  readonly name: string;
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  readonly read: () => Promise<ArrayBufferView>;
}

/** The data begins at a multiple of this: the header is filled up with spaces, as by the safetensors library. */
const ALIGNMENT = 8;

/**
 * The tensors lie in the file in the order given. When this returns, the file is on the disk, not in the system's memory.
 * Gives the SHA-256 of what was written.
 */
export async function writeSafetensors(file: string, tensors: readonly TensorSource[]): Promise<string> {
  const hash = createHash("sha256");
  const handle = await open(file, "wx");
  const append = async (bytes: Uint8Array): Promise<void> => {
    hash.update(bytes);
    await handle.appendFile(bytes);
  };
  try {
    await append(encodeHeader(tensors));
    for (const { name, dtype, shape, read } of tensors) {
      const bytes = await read();
      if (bytes.byteLength !== tensorBytes(dtype, shape)) {
        throw new Error(`tensor "${name}" gave ${bytes.byteLength} bytes, expected ${tensorBytes(dtype, shape)}`);
      }
      await append(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    }
    await handle.sync();
    return hash.digest("hex");
  } finally {
    await handle.close();
  }
}

function encodeHeader(tensors: readonly TensorSource[]): Buffer {
  const header = new Map<string, unknown>();
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    if (header.has(name)) throw new Error(`two tensors named "${name}"`);
    const begin = end;
    end += tensorBytes(dtype, shape);
    header.set(name, { dtype, shape, data_offsets: [begin, end] });
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const length = Math.ceil(json.byteLength / ALIGNMENT) * ALIGNMENT;
  const bytes = Buffer.alloc(8 + length, " ");
  bytes.writeBigUInt64LE(BigInt(length));
  json.copy(bytes, 8);
  return bytes;
}
