/** Reads text files from users in UTF-8. A byte order mark is removed; another encoding is refused with its name. */
import { readFile } from "node:fs/promises";

/** A file exists but is not in UTF-8. */
export class TextFileError extends Error {
  override readonly name = "TextFileError";
}

/** Reads a text file. Throws a TextFileError, or the system's error. */
export async function readTextFile(path: string): Promise<string> {
  return decodeText(await readFile(path), path);
}

/** Decodes UTF-8. `name`: name of the text in messages. Throws a TextFileError. */
export function decodeText(bytes: Uint8Array, name: string): string {
  const found = otherEncoding(bytes);
  if (found !== null) throw new TextFileError(`${name}: found ${found}, expected UTF-8. Save it as UTF-8.`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes); // removes a byte order mark
  } catch {
    const offset = invalidOffset(bytes);
    const line = bytes.subarray(0, offset).filter((byte) => byte === lineFeed).length + 1;
    const byte = bytes[offset];
    const found = byte === undefined ? "half a character at the end" : `the byte 0x${byte.toString(16)} at ${offset}`;
    throw new TextFileError(
      `${name}, line ${line}: found ${found}, which is no UTF-8. Save the file as UTF-8 ` +
        "(Windows-1252 or Latin-1 may be what it is in).",
    );
  }
}

const lineFeed = 0x0a;

/**
 * The name of another encoding, recognised by its byte order mark or by zero bytes, which text in UTF-8 does not
 * contain. null: it may be UTF-8.
 */
function otherEncoding(bytes: Uint8Array): string | null {
  const [first, second, third, fourth] = bytes;
  if (first === 0xff && second === 0xfe) return third === 0 && fourth === 0 ? "UTF-32" : "UTF-16";
  if (first === 0xfe && second === 0xff) return "UTF-16";
  if (first === 0 && second === 0 && third === 0xfe && fourth === 0xff) return "UTF-32";
  const zero = bytes.indexOf(0);
  if (zero === -1) return null;
  const zeros = bytes.subarray(0, 4096).filter((byte) => byte === 0).length;
  return zeros >= Math.min(bytes.length, 4096) / 4 ? "UTF-16 or UTF-32" : `a zero byte at ${zero}`;
}

/** Offset of the first invalid byte; the length of the text where only the rest of the last character is missing. */
function invalidOffset(bytes: Uint8Array): number {
  const isBegun = (end: number): boolean => {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, end), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  let [low, high] = [0, bytes.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isBegun(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
