/**
 * One image's features as a file: what the image encoder made of it, fp32, behind a header that names the format and seals
 * the rest. A file that is cut short, changed, of another version or in another's place is told apart from a whole one.
 *
 *   8 bytes   "B2IMGF01"
 *   4 + 4     tokens, hidden: unsigned, little endian
 *   32        SHA-256 of the 16 bytes above, the entry's name and the numbers
 *   the rest  [tokens, hidden], fp32, little endian
 */
import { createHash } from "node:crypto";

/** The version of the layout above is its last two letters. */
const MAGIC = Buffer.from("B2IMGF01");
const SHAPE_END = 16;
export const HEADER_BYTES = 48;

export interface FeatureShape {
  readonly tokens: number;
  readonly hidden: number;
}

/** Bytes of one image's features, without the header. */
export function featureBytes({ tokens, hidden }: FeatureShape): number {
  return 4 * tokens * hidden;
}

/** The header of a file; the numbers follow it. `name` is the entry's, which says what image it is of. */
export function featureHeader(name: string, { tokens, hidden }: FeatureShape, values: Float32Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(tokens, 8);
  header.writeUInt32LE(hidden, 12);
  seal(name, header, bytesOf(values)).copy(header, SHAPE_END);
  return header;
}

export type FoundFeatures =
  | { readonly status: "whole"; readonly values: Float32Array }
  /** What is wrong with it, to be said behind its path. */
  | { readonly status: "damaged"; readonly damage: string };

/** What a file holds; `shape` is what is expected of it, null where any will do. */
export function parseFeatures(name: string, file: Buffer, shape: FeatureShape | null): FoundFeatures {
  const damaged = (damage: string): FoundFeatures => ({ status: "damaged", damage });
  if (file.length < HEADER_BYTES) return damaged(`cut short: found ${file.length} bytes, expected a header of 48.`);
  const magic = file.subarray(0, MAGIC.length);
  if (!magic.equals(MAGIC)) {
    const found = JSON.stringify(magic.toString("latin1"));
    return damaged(`of another version: found ${found}, expected "${MAGIC.toString()}".`);
  }
  const found = { tokens: file.readUInt32LE(8), hidden: file.readUInt32LE(12) };
  if (shape !== null && (found.tokens !== shape.tokens || found.hidden !== shape.hidden)) {
    return damaged(`found shape [${found.tokens}, ${found.hidden}], expected [${shape.tokens}, ${shape.hidden}].`);
  }
  const expected = HEADER_BYTES + featureBytes(found);
  if (file.length !== expected) return damaged(`found ${file.length} bytes, expected ${expected}.`);
  const numbers = file.subarray(HEADER_BYTES);
  if (!seal(name, file, numbers).equals(file.subarray(SHAPE_END, HEADER_BYTES))) {
    return damaged("its bytes have changed: their SHA-256 is not the one in its header.");
  }
  return { status: "whole", values: floatsOf(numbers) };
}

function seal(name: string, header: Buffer, numbers: Uint8Array): Buffer {
  return createHash("sha256").update(header.subarray(0, SHAPE_END)).update(name).update(numbers).digest();
}

export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** A view where the bytes lie on a border of four, else a copy. */
function floatsOf(bytes: Buffer): Float32Array {
  if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
