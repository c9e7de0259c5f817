/**
 * Reads the list of members of a zip archive from the central directory at its end (APPNOTE.TXT 6.3.10, sections 4.3
 * and 4.4), so that of a remote archive of gigabytes only the directory and the wanted members are fetched.
 *
 *   member 1 │ member 2 │ … │ central directory │ (zip64 end record, its locator) │ end record
 *
 * Archives are not trusted. Refused are: encryption, archives of several disks, compression methods other than deflate,
 * member names that lead outside the folder, and members that contradict the directory.
 */

/** Something that byte ranges of an archive can be read from: a file, or a server with range requests. */
export interface ByteSource {
  /** Path or URL, for messages. */
  readonly name: string;
  readonly sizeBytes: number;
  /** The error that an archive is refused with: of a data set, or of a checkpoint. */
  readonly refusal: (message: string) => Error;
  /** Bytes from `begin` up to, not including, `end`. */
  readonly read: (begin: number, end: number) => Promise<Uint8Array>;
}

export interface ZipMember {
  /** Path inside the archive, with slashes. */
  readonly name: string;
  readonly isDeflated: boolean;
  readonly crc32: number;
  readonly compressedBytes: number;
  readonly sizeBytes: number;
  /** Byte at which the member's local header begins, and byte at which the next part of the archive begins. */
  readonly begin: number;
  readonly end: number;
}

const endLength = 22;
const longestComment = 65_535;
const locatorLength = 20;
const zip64EndLength = 56;
const entryLength = 46;

/** Largest unpacked size of a member: no image, annotation file or tensor of a supported data set or checkpoint is larger. */
const mostMemberBytes = 4e9;

/**
 * The files of an archive in order, without folder entries. Throws the source's error for an archive that is damaged
 * or refused.
 */
export async function readZipDirectory(source: ByteSource): Promise<readonly ZipMember[]> {
  const { begin, end, count } = await findDirectory(source);
  const bytes = viewOf(await source.read(begin, end));
  const members: Omit<ZipMember, "end">[] = [];
  const names = new Set<string>();
  let offset = 0;
  for (let number = 0; number < count; number++) {
    if (offset + entryLength > bytes.length || bytes.readUInt32LE(offset) !== 0x02014b50) {
      throw damaged(source, `its directory ends after ${number} of ${count} entries`);
    }
    const nameLength = bytes.readUInt16LE(offset + 28);
    const extraLength = bytes.readUInt16LE(offset + 30);
    const next = offset + entryLength + nameLength + extraLength + bytes.readUInt16LE(offset + 32);
    if (next > bytes.length) throw damaged(source, `its directory ends after ${number} of ${count} entries`);
    const member = readEntry(source, bytes.subarray(offset, next));
    offset = next;
    if (member === null) continue;
    if (names.has(member.name)) throw damaged(source, `it has ${member.name} twice`);
    names.add(member.name);
    members.push(member);
  }
  return withEnds(source, members, begin);
}

/** Sets the end of each member to the begin of the next. Refuses members that overlap: zip bombs are made of them. */
function withEnds(
  source: ByteSource,
  members: readonly Omit<ZipMember, "end">[],
  directory: number,
): readonly ZipMember[] {
  const inOrder = members.toSorted((a, b) => a.begin - b.begin);
  return inOrder.map((member, index) => {
    const end = inOrder[index + 1]?.begin ?? directory;
    if (member.begin + 30 + member.compressedBytes > end) {
      throw damaged(source, `${member.name} reaches into what follows it`);
    }
    return { ...member, end };
  });
}

/** A directory entry as a member; null: a folder. */
function readEntry(source: ByteSource, entry: Buffer): Omit<ZipMember, "end"> | null {
  const nameLength = entry.readUInt16LE(28);
  const name = entry.toString("utf8", entryLength, entryLength + nameLength);
  const refuse = (why: string): Error =>
    source.refusal(`${source.name}: member ${JSON.stringify(name)} ${why}. Nothing of the archive is taken.`);
  if (name === "" || name.startsWith("/") || /[\\\0]/.test(name) || /^[A-Za-z]:/.test(name)) {
    throw refuse("has no name below the archive's folder");
  }
  if (name.split("/").includes("..")) throw refuse("leads out of the archive's folder");
  if (name.endsWith("/")) return null;
  const flags = entry.readUInt16LE(8);
  if ((flags & 0x2041) !== 0) throw refuse("is encrypted");
  const method = entry.readUInt16LE(10);
  if (method !== 0 && method !== 8)
    throw refuse(`is compressed by method ${method}, expected 0 (stored) or 8 (deflate)`);
  if (entry.readUInt32LE(38) >>> 28 === 0xa) throw refuse("is a symbolic link");
  const extra = entry.subarray(entryLength + nameLength, entryLength + nameLength + entry.readUInt16LE(30));
  const [sizeBytes, compressedBytes, begin] = withZip64(
    [entry.readUInt32LE(24), entry.readUInt32LE(20), entry.readUInt32LE(42)],
    extra,
    () => damaged(source, `${name} lacks its size of 64 bits`),
  );
  if (sizeBytes > mostMemberBytes || compressedBytes > mostMemberBytes) {
    throw refuse(`has ${Math.max(sizeBytes, compressedBytes)} bytes, expected at most ${mostMemberBytes}`);
  }
  if (method === 0 && sizeBytes !== compressedBytes) throw damaged(source, `${name} is stored, but has two sizes`);
  return { name, isDeflated: method === 8, crc32: entry.readUInt32LE(16), compressedBytes, sizeBytes, begin };
}

/**
 * Replaces 32-bit values with all bits set by the 64-bit values of extra field 1, which stand there in this order
 * (section 4.5.3).
 */
function withZip64(
  values: readonly [number, number, number],
  extra: Buffer,
  missing: () => Error,
): readonly [number, number, number] {
  if (!values.includes(0xffffffff)) return values;
  let offset = 0;
  while (offset + 4 <= extra.length && extra.readUInt16LE(offset) !== 1) offset += 4 + extra.readUInt16LE(offset + 2);
  if (offset + 4 > extra.length) throw missing();
  const end = Math.min(extra.length, offset + 4 + extra.readUInt16LE(offset + 2));
  offset += 4;
  const [a, b, c] = values.map((value) => {
    if (value !== 0xffffffff) return value;
    if (offset + 8 > end) throw missing();
    const long = extra.readBigUInt64LE(offset);
    offset += 8;
    return Number(long);
  });
  return [a!, b!, c!];
}

async function findDirectory(
  source: ByteSource,
): Promise<{ readonly begin: number; readonly end: number; readonly count: number }> {
  const { sizeBytes } = source;
  if (sizeBytes < endLength) throw damaged(source, `it has ${sizeBytes} bytes`);
  const tailBegin = Math.max(0, sizeBytes - endLength - longestComment - locatorLength);
  const tail = viewOf(await source.read(tailBegin, sizeBytes));
  let place = tail.length - endLength;
  while (place >= 0 && !(tail.readUInt32LE(place) === 0x06054b50 && isLast(tail, place))) place -= 1;
  if (place < 0) throw damaged(source, "it has no end record: it was cut off, or is no zip archive");
  if (tail.readUInt16LE(place + 4) !== 0 && tail.readUInt16LE(place + 4) !== 0xffff) {
    throw damaged(source, "it is a part of an archive in several");
  }
  let [count, length, begin] = [
    tail.readUInt16LE(place + 10),
    tail.readUInt32LE(place + 12),
    tail.readUInt32LE(place + 16),
  ];
  if (count === 0xffff || length === 0xffffffff || begin === 0xffffffff) {
    const locator = place - locatorLength;
    if (locator >= 0 && tail.readUInt32LE(locator) === 0x07064b50) {
      const at = Number(tail.readBigUInt64LE(locator + 8));
      if (at + zip64EndLength > sizeBytes) throw damaged(source, "its 64-bit end record lies outside of it");
      const end = viewOf(await source.read(at, at + zip64EndLength));
      if (end.readUInt32LE(0) !== 0x06064b50) throw damaged(source, "its 64-bit end record is not where it should be");
      [count, length, begin] = [24, 40, 48].map((offset) => Number(end.readBigUInt64LE(offset))) as [
        number,
        number,
        number,
      ];
      count = Number(end.readBigUInt64LE(32));
    }
  }
  const end = begin + length;
  if (end > tailBegin + place) throw damaged(source, "its directory lies outside of it");
  if (count * entryLength > length)
    throw damaged(source, `its directory of ${length} bytes cannot hold ${count} entries`);
  return { begin, end, count };
}

/** Whether the archive ends exactly where the comment of this end record ends. */
function isLast(tail: Buffer, place: number): boolean {
  return place + endLength + tail.readUInt16LE(place + 20) === tail.length;
}

export function damaged({ name, refusal }: Pick<ByteSource, "name" | "refusal">, what: string): Error {
  return refusal(`${name}: the zip archive is damaged: ${what}. Get it again.`);
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
