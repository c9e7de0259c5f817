/** Zip archives for tests: right ones, and ones that lie. Written by APPNOTE.TXT 6.3.10, sections 4.3 and 4.4. */
import { crc32, deflateRawSync } from "node:zlib";

export interface MemberToPack {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly isDeflated?: boolean;
  /** What the directory says instead of the truth. */
  readonly lie?: {
    readonly sizeBytes?: number;
    readonly crc32?: number;
    readonly method?: number;
    readonly flags?: number;
    /** The name in the member's own header. */
    readonly localName?: string;
    readonly externalAttributes?: number;
  };
}

export interface ZipOptions {
  /** Sizes and places with 64 bits, as archives above 4 GB have them. */
  readonly isZip64?: boolean;
  readonly comment?: string;
}

/** Members one after the other, then the directory. */
export function zipBytes(members: readonly MemberToPack[], { isZip64 = false, comment = "" }: ZipOptions = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, isDeflated = false, lie = {} } of members) {
    const content = isDeflated ? deflateRawSync(bytes) : Buffer.from(bytes);
    const about = { method: lie.method ?? (isDeflated ? 8 : 0), flags: lie.flags ?? 0, crc: lie.crc32 ?? crc32(bytes) };
    const sizes = { packed: content.length, size: lie.sizeBytes ?? bytes.length };
    const local = localHeader(lie.localName ?? name, { ...about, ...sizes });
    directory.push(
      directoryEntry(name, { ...about, ...sizes, offset, isZip64, attributes: lie.externalAttributes ?? 0 }),
    );
    parts.push(local, content);
    offset += local.length + content.length;
  }
  const central = Buffer.concat(directory);
  return Buffer.concat([
    ...parts,
    central,
    ...endRecords({ count: members.length, length: central.length, offset, isZip64, comment }),
  ]);
}

interface Sizes {
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
}

function localHeader(name: string, { method, flags, crc, packed, size }: Sizes): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt16LE(method, 8);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(packed, 18);
  header.writeUInt32LE(size, 22);
  header.writeUInt16LE(Buffer.byteLength(name), 26);
  return Buffer.concat([header, Buffer.from(name)]);
}

function directoryEntry(
  name: string,
  {
    method,
    flags,
    crc,
    packed,
    size,
    offset,
    isZip64,
    attributes,
  }: Sizes & { readonly offset: number; readonly isZip64: boolean; readonly attributes: number },
): Buffer {
  const entry = Buffer.alloc(46);
  const extra = Buffer.alloc(isZip64 ? 28 : 0);
  if (isZip64) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    for (const [index, value] of [size, packed, offset].entries()) extra.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  }
  const short = (value: number): number => (isZip64 ? 0xffffffff : value);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(flags, 8);
  entry.writeUInt16LE(method, 10);
  entry.writeUInt32LE(crc, 16);
  entry.writeUInt32LE(short(packed), 20);
  entry.writeUInt32LE(short(size), 24);
  entry.writeUInt16LE(Buffer.byteLength(name), 28);
  entry.writeUInt16LE(extra.length, 30);
  entry.writeUInt32LE(attributes, 38);
  entry.writeUInt32LE(short(offset), 42);
  return Buffer.concat([entry, Buffer.from(name), extra]);
}

function endRecords({
  count,
  length,
  offset,
  isZip64,
  comment,
}: {
  readonly count: number;
  readonly length: number;
  readonly offset: number;
  readonly isZip64: boolean;
  readonly comment: string;
}): readonly Buffer[] {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(isZip64 ? 0xffff : count, 8);
  end.writeUInt16LE(isZip64 ? 0xffff : count, 10);
  end.writeUInt32LE(isZip64 ? 0xffffffff : length, 12);
  end.writeUInt32LE(isZip64 ? 0xffffffff : offset, 16);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  const tail = Buffer.concat([end, Buffer.from(comment)]);
  if (!isZip64) return [tail];
  const long = Buffer.alloc(56);
  long.writeUInt32LE(0x06064b50, 0);
  long.writeBigUInt64LE(44n, 4);
  for (const [place, value] of [
    [24, count],
    [32, count],
    [40, length],
    [48, offset],
  ] as const) {
    long.writeBigUInt64LE(BigInt(value), place);
  }
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + length), 8);
  locator.writeUInt32LE(1, 16);
  return [long, locator, tail];
}
