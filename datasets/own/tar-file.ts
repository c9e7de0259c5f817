/**
 * The members of a tar archive (POSIX ustar, with pax and GNU long names), by their place in the file, so that a member is
 * read when it is needed. Archives are not compressed, as WebDataset's shards are not.
 */
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { fileError, unreadableFile } from "../annotation-file.ts";
import type { AnnotationFile } from "../annotation-file.ts";

export interface TarMember {
  readonly name: string;
  /** Byte of the archive where the contents start. */
  readonly offset: number;
  readonly sizeBytes: number;
}

const BLOCK = 512;
/** Longest name or pax header that is read: far above what archives have, far below what fills memory. */
const longestHeader = 1 << 20;

/** The files among the members, in the archive's order. Throws a DatasetError for an archive that is cut or damaged. */
export async function readTarMembers(file: AnnotationFile): Promise<readonly TarMember[]> {
  const handle = await open(file.path).catch((cause: unknown) => {
    throw unreadableFile(file, cause);
  });
  try {
    const { size } = await handle.stat();
    const members: TarMember[] = [];
    let longName: string | null = null;
    for (let at = 0; ;) {
      const block = await bytesAt(handle, at, BLOCK);
      if (block.length < BLOCK)
        throw fileError(file, `is cut at byte ${at + block.length}: an archive ends with blocks of zeros.`);
      if (block.every((byte) => byte === 0)) return members;
      const { name, type, sizeBytes } = headerOf(block, () =>
        fileError(file, `byte ${at} is not the start of a tar member. Is it a tar, not compressed?`),
      );
      const offset = at + BLOCK;
      if (offset + sizeBytes > size) {
        throw fileError(
          file,
          `is cut: ${longName ?? name} needs ${sizeBytes} bytes from ${offset} on, the file has ${size}.`,
        );
      }
      if (type === "L" || type === "x") {
        if (sizeBytes > longestHeader) throw fileError(file, `byte ${at}: a name of ${sizeBytes} bytes.`);
        const text = (await bytesAt(handle, offset, sizeBytes)).toString("utf8");
        longName = type === "L" ? text.replace(/\0.*$/s, "") : (paxPath(text) ?? longName);
      } else {
        if (type === "0" || type === "\0") members.push({ name: longName ?? name, offset, sizeBytes });
        longName = null;
      }
      at = offset + Math.ceil(sizeBytes / BLOCK) * BLOCK;
    }
  } finally {
    await handle.close();
  }
}

export async function readTarMember(file: AnnotationFile, { name, offset, sizeBytes }: TarMember): Promise<Buffer> {
  const handle = await open(file.path);
  try {
    const bytes = await bytesAt(handle, offset, sizeBytes);
    if (bytes.length < sizeBytes) throw fileError(file, `ends inside ${name}. Has it changed?`);
    return bytes;
  } finally {
    await handle.close();
  }
}

async function bytesAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

/** Places of a header's fields: name 0-100, size 124-136, checksum 148-156, type 156, prefix 345-500. */
function headerOf(block: Buffer, damaged: () => Error): { name: string; type: string; sizeBytes: number } {
  let sum = 8 * 0x20; // the checksum counts itself as spaces
  for (const [index, byte] of block.entries()) if (index < 148 || index >= 156) sum += byte;
  if (octal(block, 148, 8) !== sum) throw damaged();
  const sizeBytes = block[124]! & 0x80 ? Number(block.readBigUInt64BE(128)) : octal(block, 124, 12);
  if (!Number.isSafeInteger(sizeBytes)) throw damaged();
  const prefix = block.toString("latin1", 257, 262) === "ustar" ? textAt(block, 345, 155) : "";
  const name = textAt(block, 0, 100);
  return { name: prefix === "" ? name : `${prefix}/${name}`, type: String.fromCharCode(block[156]!), sizeBytes };
}

function octal(block: Buffer, start: number, length: number): number {
  const text = textAt(block, start, length).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : NaN;
}

function textAt(block: Buffer, start: number, length: number): string {
  return block.toString("utf8", start, start + length).replace(/\0.*$/s, "");
}

/** Records of a pax header are `length key=value\n`. */
function paxPath(text: string): string | null {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(text)?.[1] ?? null;
}
