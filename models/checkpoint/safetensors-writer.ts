/**
 * Writes a safetensors file, one tensor or a piece of one in memory at a time: the header needs only names, types and shapes.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { tensorBytes } from "./safetensors.ts";
import type { SafetensorsType } from "./safetensors.ts";

interface WrittenTensor {
  readonly name: string;
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
}

/** A tensor to be written. `read` is called once, when its turn has come, and gives exactly its bytes. */
export interface TensorSource extends WrittenTensor {
  readonly read: () => Promise<ArrayBufferView>;
}

/** One whose bytes come in pieces, so that it need not fit in memory. */
export interface StreamedTensor extends WrittenTensor {
  readonly pieces: () => AsyncIterable<ArrayBufferView>;
}

/** The data begins at a multiple of this: the header is filled up with spaces, as by the safetensors library. */
const ALIGNMENT = 8;

/**
 * The tensors lie in the file in the order given. When this returns, the file is on the disk, not in the system's memory.
 * Gives the SHA-256 of what was written.
 */
export async function writeSafetensors(
  file: string,
  tensors: readonly (TensorSource | StreamedTensor)[],
): Promise<string> {
  const hash = createHash("sha256");
  const handle = await open(file, "wx");
  const append = async (bytes: Uint8Array): Promise<void> => {
    hash.update(bytes);
    await handle.appendFile(bytes);
  };
  try {
    await append(encodeHeader(tensors));
    for (const tensor of tensors) {
      const { name, dtype, shape } = tensor;
      let written = 0;
      for await (const piece of "read" in tensor ? [await tensor.read()] : tensor.pieces()) {
        await append(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
        written += piece.byteLength;
      }
      if (written === tensorBytes(dtype, shape)) continue;
      throw new Error(`tensor "${name}" gave ${written} bytes, expected ${tensorBytes(dtype, shape)}`);
    }
    await handle.sync();
    return hash.digest("hex");
  } finally {
    await handle.close();
  }
}

function encodeHeader(tensors: readonly WrittenTensor[]): Buffer {
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
