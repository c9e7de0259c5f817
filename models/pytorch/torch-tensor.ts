/** The numbers of a stored tensor, in the order of its axes, a piece at a time. */
import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { readBytes, tensorBytes } from "../checkpoint/safetensors.ts";
import type { OpenFile } from "../checkpoint/safetensors.ts";
import { CheckpointError } from "../model.ts";
import type { StorageBytes, StoredTensor } from "./torch-file.ts";

const PIECE_BYTES = 16 << 20;

/** Whether the numbers lie one behind the other, in the order of the axes, as they do in a safetensors file. */
export function isContiguous({ shape, strides }: Pick<StoredTensor, "shape" | "strides">): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return shape.includes(0);
    expected *= shape[axis]!;
  }
  return true;
}

/** Of a tensor with strides, the part of its storage that it spans is held in memory while it is read. */
export async function* storedNumbers(tensor: StoredTensor): AsyncGenerator<Buffer, void> {
  const { dtype, shape, strides, firstElement, storage } = tensor;
  const size = tensorBytes(dtype, []);
  const begin = storage.offset + firstElement * size;
  await using handle = await open(storage.file);
  if (isContiguous(tensor)) {
    yield* pieces({ file: storage.file, handle }, begin, tensorBytes(dtype, shape));
    return;
  }
  const span = 1 + shape.reduce((sum, length, axis) => sum + (length - 1) * strides[axis]!, 0);
  const spanned = await readBytes({ file: storage.file, handle }, begin, span * size);
  const elements = tensorBytes(dtype, shape) / size;
  const atOnce = PIECE_BYTES / size;
  for (let first = 0; first < elements; first += atOnce) {
    yield gathered(spanned, tensor, { size, first, count: Math.min(atOnce, elements - first) });
  }
}

/** Elements `first` to `first + count` in the order of the axes. */
function gathered(
  spanned: Buffer,
  { shape, strides }: StoredTensor,
  { size, first, count }: { readonly size: number; readonly first: number; readonly count: number },
): Buffer {
  const bytes = Buffer.alloc(count * size);
  for (let element = 0; element < count; element += 1) {
    let rest = first + element;
    let place = 0;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      place += (rest % shape[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    spanned.copy(bytes, element * size, place * size, (place + 1) * size);
  }
  return bytes;
}

/** Throws a CheckpointError where a storage is not what was saved. */
export async function checkStorage(storage: StorageBytes): Promise<void> {
  if (storage.crc32 === 0) return;
  await using handle = await open(storage.file);
  let found = 0;
  for await (const piece of pieces({ file: storage.file, handle }, storage.offset, storage.byteLength))
    found = crc32(piece, found);
  if (found === storage.crc32) return;
  throw new CheckpointError(
    `${storage.file}: storage ${storage.key} is damaged: its CRC-32 is ${hexadecimal(found)}, expected ` +
      `${hexadecimal(storage.crc32)}. Get the file again.`,
  );
}

async function* pieces(opened: OpenFile, begin: number, byteLength: number): AsyncGenerator<Buffer, void> {
  for (let done = 0; done < byteLength; done += PIECE_BYTES) {
    yield await readBytes(opened, begin + done, Math.min(PIECE_BYTES, byteLength - done));
  }
}

function hexadecimal(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
