/**
 * Scans a JSON file value by value: it finds the last byte of a value, and JSON.parse parses the bytes. Brackets,
 * commas and keys around the values are checked here. Errors name line and column (json-syntax.ts finds them).
 */
import { isUtf8 } from "node:buffer";
import type { FileHandle } from "node:fs/promises";
import { describePosition, fileError, locate, startsWithByteOrderMark } from "./annotation-file.ts";
import type { AnnotationFile } from "./annotation-file.ts";
import type { DatasetError } from "./dataset.ts";
import { describeFound, findSyntaxFault } from "./json-syntax.ts";

const CHUNK_BYTES = 1 << 20; // one read of the disk; records are about 1 kB
const MAX_VALUE_BYTES = 1 << 22; // no record of a data set is longer; a quote is probably not closed
/** Lists and objects inside each other: far more than records have, and far fewer than fill the stack of what reads them. */
const mostNested = 100;
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a] as const;
export const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d] as const;

/** Reads a file through a moving window. The window grows until it holds the whole current value. */
export class JsonScanner {
  readonly file: AnnotationFile;
  private readonly handle: FileHandle;
  private window = Buffer.allocUnsafe(CHUNK_BYTES);
  /** Bytes from `at` to `end` of the window were read from the file and not used yet. */
  private at = 0;
  private end = 0;
  /** File offset of the window's first byte. */
  private windowOffset = 0;
  /** File offset of the value that was read last. */
  valueOffset = 0;

  constructor(file: AnnotationFile, handle: FileHandle) {
    this.file = file;
    this.handle = handle;
  }

  /** The next byte that is not white space, without moving past it; null at the end of the file. */
  async peek(): Promise<number | null> {
    for (;;) {
      while (this.at < this.end) {
        const byte = this.window[this.at]!;
        if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
        this.at++;
      }
      if (!(await this.fill())) return null;
    }
  }

  /** Moves past a byte if it comes next. */
  async accept(byte: number): Promise<boolean> {
    if ((await this.peek()) !== byte) return false;
    this.at++;
    return true;
  }

  /** Moves past a byte that must come next; null stands for the end of the file. */
  async expect(byte: number | null, expected: string): Promise<void> {
    if ((await this.peek()) !== byte) throw await this.structureError(expected);
    if (byte !== null) this.at++;
  }

  /** After an item: moves past the comma before the next one, or past the bracket that closes the list. */
  async isAtLast(close: number, expected: string): Promise<boolean> {
    if (await this.accept(close)) return true;
    await this.expect(COMMA, expected);
    return false;
  }

  /** The keys of an object whose bracket has been passed, each given when its value comes next. */
  async *keys(): AsyncGenerator<string, void> {
    if (await this.accept(CLOSE_OBJECT)) return;
    let expected = 'a string key or "}"';
    do {
      if ((await this.peek()) !== QUOTE) throw await this.structureError(expected);
      const key = await this.value();
      await this.expect(COLON, '":"');
      yield String(key);
      expected = "a string key";
    } while (!(await this.isAtLast(CLOSE_OBJECT, '"," or "}"')));
  }

  /** The value that comes next, parsed. */
  async value(): Promise<unknown> {
    if ((await this.peek()) === null) throw await this.structureError("a value");
    let stop = endOfValue(this.window, this.at, this.end);
    while (stop === null && (await this.fill())) stop = endOfValue(this.window, this.at, this.end);
    if (stop === "too deep") throw await this.nestingError();
    if (stop === this.at) throw await this.structureError("a value");

    this.valueOffset = this.windowOffset + this.at;
    const bytes = this.window.subarray(this.at, stop ?? this.end);
    if (stop !== null && !isUtf8(bytes)) throw await this.encodingError(bytes);
    const text = bytes.toString("utf8");
    this.at += bytes.length;
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw await this.syntaxError(text, { isCut: stop === null, cause });
    }
  }

  /** Reads more bytes into the window; false at the end of the file. */
  private async fill(): Promise<boolean> {
    const isFirst = this.windowOffset + this.end === 0;
    this.window.copyWithin(0, this.at, this.end);
    this.windowOffset += this.at;
    this.end -= this.at;
    this.at = 0;
    if (this.end === this.window.length) {
      if (this.end >= MAX_VALUE_BYTES) return false; // the value is incomplete, which the caller reports
      const larger = Buffer.allocUnsafe(this.window.length * 2);
      this.window.copy(larger, 0, 0, this.end);
      this.window = larger;
    }
    const free = this.window.length - this.end;
    const { bytesRead } = await this.handle.read(this.window, this.end, free, this.windowOffset + this.end);
    this.end += bytesRead;
    if (isFirst && startsWithByteOrderMark(this.window, this.end)) this.at = 3;
    return bytesRead > 0;
  }

  /** The error for an unexpected byte between values. */
  private async structureError(expected: string): Promise<DatasetError> {
    const byte = this.window[this.at] ?? 0;
    const text = this.window.toString("utf8", this.at, Math.min(this.end, this.at + 80));
    const isText = this.at === this.end || byte < 0x80;
    const found = isText ? describeFound(text, 0) : `byte 0x${byte.toString(16).toUpperCase()}`;
    return await this.brokenError(this.windowOffset + this.at, found, expected);
  }

  private async syntaxError(text: string, { isCut, cause }: { isCut: boolean; cause: unknown }): Promise<DatasetError> {
    const fault = findSyntaxFault(text, isCut);
    if (fault === null) throw cause;
    if (fault.index === text.length && text.length > 0 && Buffer.byteLength(text) >= MAX_VALUE_BYTES) {
      const place = describePosition(await locate(this.file.path, this.valueOffset));
      return fileError(
        this.file,
        `the value at ${place} is longer than ${MAX_VALUE_BYTES} bytes. Is a bracket or a quote missing?`,
      );
    }
    const byte = this.valueOffset + Buffer.byteLength(text.slice(0, fault.index));
    return await this.brokenError(byte, fault.found, fault.expected);
  }

  private async nestingError(): Promise<DatasetError> {
    const place = describePosition(await locate(this.file.path, this.windowOffset + this.at));
    return fileError(this.file, `the value at ${place} ${tooDeep}`);
  }

  private async encodingError(bytes: Buffer): Promise<DatasetError> {
    const index = firstByteNotUtf8(bytes);
    const found = `byte 0x${(bytes[index] ?? 0).toString(16).toUpperCase()}`;
    return await this.brokenError(this.valueOffset + index, found, "UTF-8 text");
  }

  private async brokenError(byte: number, found: string, expected: string): Promise<DatasetError> {
    const place = describePosition(await locate(this.file.path, byte));
    const advice =
      found === "end of file" ? "The file was cut off: get it again." : "Get the file again, or mend it there.";
    return fileError(this.file, `broken JSON at ${place}: found ${found}, expected ${expected}. ${advice}`);
  }
}

const tooDeep = `has more than ${mostNested} lists or objects inside each other. Is it the right file?`;

/** JSON.parse for a value in a text of its own. Throws a SyntaxError, also for a value that is nested too deeply. */
export function parseJsonValue(text: string): unknown {
  const bytes = Buffer.from(text);
  const start = bytes.findIndex((byte) => byte > 0x20);
  if (start !== -1 && endOfValue(bytes, start, bytes.length) === "too deep") throw new SyntaxError(tooDeep);
  return JSON.parse(text);
}

/**
 * Where the JSON value that begins at `start` ends, or null when the bytes up to `end` do not hold all of it. Brackets are
 * counted, not paired, and nothing else is checked: JSON.parse does that.
 */
function endOfValue(bytes: Buffer, start: number, end: number): number | "too deep" | null {
  const first = bytes[start];
  if (first !== QUOTE && first !== OPEN_LIST && first !== OPEN_OBJECT) return endOfWord(bytes, start, end);

  let depth = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      at++;
      while (at < end && bytes[at]! !== QUOTE) at += bytes[at]! === BACKSLASH ? 2 : 1;
      if (at >= end) return null;
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth++;
      if (depth > mostNested) return "too deep";
      continue;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      depth--;
    } else {
      continue;
    }
    if (depth === 0) return at + 1;
  }
  return null;
}

/** The end of a number, true, false or null: the next bracket, comma, colon or white space. */
function endOfWord(bytes: Buffer, start: number, end: number): number | null {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    const ends = byte <= 0x20 || byte === COMMA || byte === CLOSE_LIST || byte === CLOSE_OBJECT || byte === COLON;
    if (ends) return at;
  }
  return null;
}

/** Offset of the first byte that is not valid UTF-8. */
function firstByteNotUtf8(bytes: Buffer): number {
  const text = bytes.toString("utf8");
  let byte = 0;
  for (const character of text) {
    const isReal =
      character !== "\uFFFD" || (bytes[byte] === 0xef && bytes[byte + 1] === 0xbf && bytes[byte + 2] === 0xbd);
    if (!isReal) return byte;
    byte += Buffer.byteLength(character);
  }
  return byte;
}
