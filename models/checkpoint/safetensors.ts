/**
 * The safetensors format (github.com/huggingface/safetensors, README, "Format"): 8 bytes with the header's length, little
 * endian; the header, a JSON object of name → dtype, shape, data_offsets; then the tensors' bytes, without gap or overlap.
 * A header is believed only when every offset in it is possible. Numbers are little endian, here and in the file.
 */
import { isUtf8 } from "node:buffer";
import { open, realpath } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import * as z from "zod";
import { widenBfloat16, widenFloat16 } from "./half-precision.ts";
import { check, jsonFile } from "./json-section.ts";
import { CheckpointError } from "../model.ts";

/** Bytes of one element. */
const elementBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

/** Those of floats, which weights are stored as. */
export const FLOATS: readonly string[] = ["F64", "F32", "F16", "BF16"];

export type SafetensorsType = keyof typeof elementBytes;

/** Where a tensor's bytes lie. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  /** Real path: links are followed. */
  readonly file: string;
  /** From the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

const LENGTH_BYTES = 8;
/** The format's own limit (safetensors, lib.rs: MAX_HEADER_SIZE); a broken length must not allocate gigabytes. */
const MAX_HEADER_BYTES = 100_000_000;

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int(), z.int()]),
});

/** The tensors of a file, by name, in the header's order. */
export async function readSafetensorsHeader(file: string): Promise<ReadonlyMap<string, TensorEntry>> {
  const { header, dataStart, fileBytes, realFile } = await readHeaderText(file);
  const section = jsonFile(header, `${file}, header`);
  const entries = Object.keys(section.value)
    .filter((name) => name !== "__metadata__")
    .map((name): TensorEntry => {
      const listed = check(entrySchema, { file: section.file, path: [name], value: section.value[name] });
      const [begin, end] = listed.data_offsets;
      const dtype = checkRange(`${file}: tensor "${name}"`, { ...listed, begin, end });
      const { shape } = listed;
      return { name, dtype, shape, file: realFile, offset: dataStart + begin, byteLength: end - begin };
    });
  checkCoverage(file, entries, { dataStart, fileBytes });
  return new Map(entries.map((entry) => [entry.name, entry]));
}

interface HeaderText {
  readonly header: string;
  /** Offset of the first tensor's bytes. */
  readonly dataStart: number;
  readonly fileBytes: number;
  readonly realFile: string;
}

async function readHeaderText(file: string): Promise<HeaderText> {
  const realFile = await realpath(file).catch((cause: unknown) => {
    throw new CheckpointError(`${file}: no such file. Is the download complete?`, { cause });
  });
  await using handle = await open(realFile);
  const stat = await handle.stat();
  if (!stat.isFile()) throw new CheckpointError(`${file}: not a file.`);
  const fileBytes = stat.size;
  if (fileBytes === 0) throw new CheckpointError(`${file}: the file is empty. Download it again.`);
  if (fileBytes < LENGTH_BYTES) {
    throw new CheckpointError(`${file}: ${fileBytes} bytes is too short for a safetensors file. Download it again.`);
  }
  const length = (await readBytes({ file, handle }, 0, LENGTH_BYTES)).readBigUInt64LE();
  if (length > BigInt(fileBytes - LENGTH_BYTES)) {
    throw new CheckpointError(
      `${file}: the header should have ${length.toString()} bytes, but the file has ${fileBytes}. ` +
        "It is truncated, or not a safetensors file.",
    );
  }
  if (length > MAX_HEADER_BYTES) {
    throw new CheckpointError(
      `${file}: the header should have ${length.toString()} bytes; the format allows ${MAX_HEADER_BYTES}. Is it a safetensors file?`,
    );
  }
  const bytes = await readBytes({ file, handle }, LENGTH_BYTES, Number(length));
  if (!isUtf8(bytes)) throw new CheckpointError(`${file}: the header is not UTF-8. Is it a safetensors file?`);
  return { header: bytes.toString("utf8"), dataStart: LENGTH_BYTES + Number(length), fileBytes, realFile };
}

/** What one entry says must agree with itself. */
function checkRange(
  where: string,
  { dtype, shape, begin, end }: { dtype: string; shape: readonly number[]; begin: number; end: number },
): SafetensorsType {
  if (!isKnownType(dtype)) {
    throw new CheckpointError(`${where} has dtype ${dtype}, expected one of ${Object.keys(elementBytes).join(", ")}.`);
  }
  if (begin < 0 || end < begin) {
    throw new CheckpointError(`${where} has data_offsets [${begin}, ${end}], expected 0 <= begin <= end.`);
  }
  const expected = tensorBytes(dtype, shape);
  if (expected !== end - begin) {
    throw new CheckpointError(
      `${where} of shape [${shape.join(", ")}] and dtype ${dtype} has ${end - begin} bytes, expected ${expected}.`,
    );
  }
  return dtype;
}

export function tensorBytes(dtype: SafetensorsType, shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, elementBytes[dtype]);
}

function isKnownType(dtype: string): dtype is SafetensorsType {
  return Object.hasOwn(elementBytes, dtype);
}

/** The tensors must fill the file, one behind the other. */
function checkCoverage(
  file: string,
  entries: readonly TensorEntry[],
  { dataStart, fileBytes }: { readonly dataStart: number; readonly fileBytes: number },
): void {
  const ends = entries.map(({ offset, byteLength }) => offset + byteLength);
  const expectedBytes = ends.reduce((last, end) => Math.max(last, end), dataStart);
  if (fileBytes < expectedBytes) {
    throw new CheckpointError(
      `${file}: the file is truncated: found ${fileBytes} bytes, expected ${expectedBytes}. Download it again.`,
    );
  }

  let end = dataStart;
  let before = "the header";
  const inOrder = entries.toSorted((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  for (const { name, offset, byteLength } of inOrder) {
    if (offset < end)
      throw new CheckpointError(`${file}: tensor "${name}" overlaps ${before} by ${end - offset} bytes.`);
    if (offset > end) {
      throw new CheckpointError(
        `${file}: ${offset - end} bytes between ${before} and tensor "${name}" belong to no tensor; the format forbids holes.`,
      );
    }
    end = offset + byteLength;
    before = `tensor "${name}"`;
  }
  if (fileBytes > end) {
    throw new CheckpointError(
      `${file}: ${fileBytes - end} bytes after ${before} belong to no tensor: found ${fileBytes} bytes, expected ${end}.`,
    );
  }
}

/** The numbers of a float tensor as fp32: exactly, or of F64 the nearest. */
export async function readTensor(entry: TensorEntry): Promise<Float32Array> {
  await using handle = await open(entry.file);
  const bytes = await readBytes({ file: entry.file, handle }, entry.offset, entry.byteLength);
  switch (entry.dtype) {
    case "F32":
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    case "F64":
      return Float32Array.from(new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8));
    case "F16":
      return widenFloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2));
    case "BF16":
      return widenBfloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2));
    default:
      throw new CheckpointError(
        `${entry.file}: tensor "${entry.name}" has dtype ${entry.dtype}, expected ${FLOATS.join(", ")}.`,
      );
  }
}

export interface OpenFile {
  /** For messages. */
  readonly file: string;
  readonly handle: FileHandle;
}

/**
 * Exactly these bytes, in memory of their own (aligned for every element type). Throws a CheckpointError where the disk does not
 * give them, or the file has become shorter.
 */
export async function readBytes({ file, handle }: OpenFile, position: number, byteLength: number): Promise<Buffer> {
  const bytes = Buffer.from(new ArrayBuffer(byteLength));
  for (let done = 0; done < byteLength;) {
    const length = Math.min(byteLength - done, 1 << 30); // one read gives at most 2 GiB
    const at = position + done;
    const { bytesRead } = await handle.read(bytes, done, length, at).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new CheckpointError(`${file}: cannot be read at byte ${at}: ${reason}. Is its disk failing?`, { cause });
    });
    if (bytesRead === 0) {
      throw new CheckpointError(
        `${file}: ended at byte ${at} while it was read. Was it changed meanwhile? Start again.`,
      );
    }
    done += bytesRead;
  }
  return bytes;
}
