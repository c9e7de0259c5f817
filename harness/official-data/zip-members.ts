/**
 * Unpacks members of a zip archive and checks size and CRC-32 against the directory; unpacking stops at the size that
 * the directory states. Adjacent members are read together.
 */
import { crc32, inflateRawSync } from "node:zlib";
import { damaged } from "../../models/pytorch/zip-directory.ts";
import type { ByteSource, ZipMember } from "../../models/pytorch/zip-directory.ts";

export interface UnpackedMember {
  readonly member: ZipMember;
  readonly bytes: Uint8Array;
}

/** Most bytes of one read; only a single larger member is read in one piece beyond that. */
const mostAtOnce = 8e6;

/** Groups members that are adjacent in the archive, so that each group is one read. */
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

/** Reads and unpacks a group of adjacent members. Throws a DatasetError for a damaged one. */
export async function readMembers(source: ByteSource, run: readonly ZipMember[]): Promise<readonly UnpackedMember[]> {
  const begin = run[0]?.begin ?? 0;
  const bytes = await source.read(begin, run.at(-1)?.end ?? begin);
  return run.map((member) => {
    return { member, bytes: unpack(source, member, bytes.subarray(member.begin - begin, member.end - begin)) };
  });
}

/** `packed`: the bytes from the member's local header to the next part of the archive. */
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
