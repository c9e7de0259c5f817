/**
 * The first frame of a GIF (GIF89a specification, CompuServe 1990), as Pillow shows it: transparent pixels keep the colour
 * that the palette gives them, and what the frame leaves free of the canvas has the transparent colour, or else the first.
 * libvips, which decodes the other formats, forgets those colours and lets broken data pass.
 */
import type { RgbImage } from "./rgb-image.ts";

interface Frame {
  /** The canvas, enlarged where the frame does not fit (GifImagePlugin.py: _seek). */
  readonly width: number;
  readonly height: number;
  /** Where the frame lies on it. */
  readonly left: number;
  readonly top: number;
  readonly frameWidth: number;
  readonly frameHeight: number;
  readonly isInterlaced: boolean;
  /** 256 × red, green, blue. */
  readonly palette: Uint8Array;
  /** The palette index of what the frame leaves free. */
  readonly background: number;
  /** Where the compressed pixels begin. */
  readonly dataStart: number;
}

const EXTENSION = 0x21;
const GRAPHIC_CONTROL = 0xf9;
const IMAGE = 0x2c;
const TRAILER = 0x3b;
/** The longest code has 12 bits. */
const MAX_CODES = 4096;

/** Width and height of the canvas, by the headers alone. */
export function readGifSize(bytes: Uint8Array): { readonly width: number; readonly height: number } {
  const { width, height } = readFrame(bytes);
  return { width, height };
}

/** Throws an Error that says what is broken: the pixels of the first frame, or the blocks up to the file's end. */
export function decodeGif(bytes: Uint8Array): RgbImage {
  const frame = readFrame(bytes);
  const { width, height, left, top, frameWidth, frameHeight, palette } = frame;
  const { data, end } = joinBlocks(bytes, frame.dataStart + 1);
  const indices = unpack(data, byteAt(bytes, frame.dataStart), frameWidth * frameHeight);
  skipToTrailer(bytes, end);

  const pixels = new Uint8Array(width * height * 3);
  const background = palette.subarray(frame.background * 3, frame.background * 3 + 3);
  if (frameWidth < width || frameHeight < height) {
    for (let at = 0; at < pixels.length; at += 3) pixels.set(background, at);
  }
  for (const [row, y] of rowOrder(frameHeight, frame.isInterlaced).entries()) {
    let at = ((top + y) * width + left) * 3;
    for (let x = 0; x < frameWidth; x++, at += 3) {
      const color = indices[row * frameWidth + x]! * 3;
      pixels[at] = palette[color]!;
      pixels[at + 1] = palette[color + 1]!;
      pixels[at + 2] = palette[color + 2]!;
    }
  }
  return { width, height, pixels };
}

/** Reads up to the first frame's compressed pixels. */
function readFrame(bytes: Uint8Array): Frame {
  const global = readPalette(bytes, 13, byteAt(bytes, 10));
  let at = 13 + global.byteLength;
  let background = 0;
  for (;;) {
    const block = byteAt(bytes, at++);
    if (block === TRAILER) throw new Error("it has no image");
    if (block === EXTENSION) {
      const isTransparent = byteAt(bytes, at) === GRAPHIC_CONTROL && (byteAt(bytes, at + 2) & 1) === 1;
      if (isTransparent) background = byteAt(bytes, at + 5);
      at = joinBlocks(bytes, at + 1).end;
    } else if (block === IMAGE) break;
  }
  const [left, top] = [shortAt(bytes, at), shortAt(bytes, at + 2)];
  const [frameWidth, frameHeight] = [shortAt(bytes, at + 4), shortAt(bytes, at + 6)];
  const flags = byteAt(bytes, at + 8);
  const local = readPalette(bytes, at + 9, flags);
  return {
    width: Math.max(shortAt(bytes, 6), left + frameWidth),
    height: Math.max(shortAt(bytes, 8), top + frameHeight),
    left,
    top,
    frameWidth,
    frameHeight,
    isInterlaced: (flags & 0x40) !== 0,
    palette: local.byteLength > 0 ? local.palette : global.palette,
    background,
    dataStart: at + 9 + local.byteLength,
  };
}

/** The colour table that the flags announce, black behind its end; without one, indices are shades of grey. */
function readPalette(bytes: Uint8Array, at: number, flags: number): { palette: Uint8Array; byteLength: number } {
  if ((flags & 0x80) === 0) {
    return { palette: Uint8Array.from({ length: 256 * 3 }, (_, index) => Math.floor(index / 3)), byteLength: 0 };
  }
  const byteLength = 3 << ((flags & 7) + 1);
  if (at + byteLength > bytes.length) throw new Error("it ends within its colour table");
  const palette = new Uint8Array(256 * 3);
  palette.set(bytes.subarray(at, at + byteLength));
  return { palette, byteLength };
}

/** Sub-blocks, each behind its length, up to one of length 0. */
function joinBlocks(bytes: Uint8Array, start: number): { readonly data: Uint8Array; readonly end: number } {
  const blocks: Uint8Array[] = [];
  let at = start;
  for (let length = byteAt(bytes, at++); length > 0; length = byteAt(bytes, at++)) {
    blocks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return { data: Buffer.concat(blocks), end: at };
}

/** Walks over the frames and extensions behind the first: a file that was cut has no trailer. */
function skipToTrailer(bytes: Uint8Array, start: number): void {
  for (let at = start; ;) {
    const block = byteAt(bytes, at++);
    if (block === TRAILER) return;
    if (block === EXTENSION) at = joinBlocks(bytes, at + 1).end;
    if (block === IMAGE)
      at = joinBlocks(bytes, at + 10 + readPalette(bytes, at + 9, byteAt(bytes, at + 8)).byteLength).end;
  }
}

/** LZW with codes of growing length (specification, appendix F): `count` palette indices. */
function unpack(data: Uint8Array, indexBits: number, count: number): Uint8Array {
  if (indexBits < 1 || indexBits > 8) throw new Error(`its pixels have ${indexBits} bits, expected 1 to 8`);
  const indices = new Uint8Array(count);
  const clear = 1 << indexBits;
  const prefixes = new Uint16Array(MAX_CODES);
  const suffixes = new Uint8Array(MAX_CODES);
  const reversed = new Uint8Array(MAX_CODES);
  let codeBits = indexBits + 1;
  let codes = clear + 2;
  let previous = -1;
  let first = 0;
  let buffer = 0;
  let buffered = 0;
  let at = 0;

  for (let done = 0; done < count;) {
    for (; buffered < codeBits; buffered += 8) {
      if (at === data.length) throw new Error(`it ends after ${done} of ${count} pixels`);
      buffer |= data[at++]! << buffered;
    }
    const code = buffer & ((1 << codeBits) - 1);
    buffer >>>= codeBits;
    buffered -= codeBits;

    if (code === clear) {
      codeBits = indexBits + 1;
      codes = clear + 2;
      previous = -1;
      continue;
    }
    if (code === clear + 1) throw new Error(`it ends after ${done} of ${count} pixels`);
    if (code > (previous === -1 ? clear : codes))
      throw new Error(`code ${code} after ${done} pixels was never defined`);

    let length = 0;
    let rest = code;
    if (code === codes) {
      reversed[length++] = first; // the code being defined: the previous string and its own first index
      rest = previous;
    }
    for (; rest > clear; rest = prefixes[rest]!) reversed[length++] = suffixes[rest]!;
    first = rest;
    reversed[length++] = first;
    while (length > 0 && done < count) indices[done++] = reversed[--length]!;

    if (previous !== -1 && codes < MAX_CODES) {
      prefixes[codes] = previous;
      suffixes[codes] = first;
      codes += 1;
      if (codes === 1 << codeBits && codes < MAX_CODES) codeBits += 1;
    }
    previous = code;
  }
  return indices;
}

/** The rows in the order they are stored: interlaced ones in four rounds (specification, appendix E). */
function rowOrder(height: number, isInterlaced: boolean): readonly number[] {
  const rounds = isInterlaced
    ? [[0, 8] as const, [4, 8] as const, [2, 4] as const, [1, 2] as const]
    : [[0, 1] as const];
  const rows: number[] = [];
  for (const [start, step] of rounds) for (let y = start; y < height; y += step) rows.push(y);
  return rows;
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new Error(`it ends at byte ${bytes.length}, within its blocks`);
  return byte;
}

function shortAt(bytes: Uint8Array, at: number): number {
  return byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8);
}
