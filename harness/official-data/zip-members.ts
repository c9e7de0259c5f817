/**
 * Members of a zip archive, unpacked and checked: what comes out has the size and the CRC-32 of the directory, and no member
 * unpacks to more than the directory says. Members that lie beside each other are read together.
 */
import { inflateRawSync } from "node:zlib";
import { damaged } from "./zip-directory.ts";
import type { ByteSource, ZipMember } from "./zip-directory.ts";

export interface UnpackedMember {
  readonly member: ZipMember;
  readonly bytes: Uint8Array;
}

/** Bytes that are read at once, at most, but for a member that is larger. */
const mostAtOnce = 8e6;

/** Members that follow each other in the archive, to be read in one piece. */
export function membersTogether(members: readonly ZipMember[]): readonly (readonly ZipMember[])[] {
  const runs: ZipMember[][] = [];
  for (const member of members.toSorted((a, b) => a.begin - b.begin)) {
    const run = runs.at(-1);
    const isNext = run?.at(-1)?.end === member.begin && member.end - run[0]!.begin <= mostAtOnce;
    if (isNext) run.push(member);
    else runs.push([member]);
  }
  return runs;
}

/** Unpacks members that follow each other, in one read. Throws a DatasetError for a damaged one. */
export async function readMembers(source: ByteSource, run: readonly ZipMember[]): Promise<readonly UnpackedMember[]> {
  const begin = run[0]?.begin ?? 0;
  const bytes = await source.read(begin, run.at(-1)?.end ?? begin);
  return run.map((member) => {
    return { member, bytes: unpack(source, member, bytes.subarray(member.begin - begin, member.end - begin)) };
  });
}

/** `packed`: from the member's own header to what follows it. */
function unpack(source: ByteSource, member: ZipMember, packed: Uint8Array): Uint8Array {
  const { name, isDeflated, compressedBytes, sizeBytes } = member;
  const header = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  if (header.length < 30 || header.readUInt32LE(0) !== 0x04034b50)
    throw damaged(source, `${name} is not where it should be`);
  const nameEnd = 30 + header.readUInt16LE(26);
  if (header.toString("utf8", 30, nameEnd) !== name)
    throw damaged(source, `another member stands in the place of ${name}`);
  const start = nameEnd + header.readUInt16LE(28);
  if (start + compressedBytes > header.length) throw damaged(source, `${name} is cut off`);
  const content = header.subarray(start, start + compressedBytes);
  const bytes = isDeflated ? inflate(source, member, content) : content;
  if (bytes.length !== sizeBytes) throw damaged(source, `${name} has ${bytes.length} bytes, expected ${sizeBytes}`);
  if (crc32(bytes) !== member.crc32) throw damaged(source, `${name} is not what was packed (its CRC-32 is another)`);
  return bytes;
}

function inflate(source: ByteSource, { name, sizeBytes }: ZipMember, content: Buffer): Buffer {
  try {
    return inflateRawSync(content, { maxOutputLength: Math.max(1, sizeBytes) });
  } catch (cause) {
    const isTooLong = cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
    throw damaged(
      source,
      isTooLong ? `${name} unpacks to more than its ${sizeBytes} bytes` : `${name} cannot be unpacked`,
    );
  }
}

/** By byte: the remainder of its polynomial, as in RFC 1952, section 8. */
const crcOfByte = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

export function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) value = crcOfByte[(value ^ bytes[i]!) & 0xff]! ^ (value >>> 8);
  return ~value >>> 0;
}
