/**
 * The bytes of an image file → RGB, bit for bit what Pillow's Image.open(…).convert("RGB") gives: no rotation by EXIF, no
 * colour profile, transparency dropped and not blended, of an animation the first frame. libvips decodes, through sharp.
 * Errors here say what is broken; image-processor.ts adds in which file.
 *
 * Damage is taken as Pillow takes it: pixels that are missing are an error, pixels that libjpeg makes up are not.
 * What differs: test/fixtures/decode/README.md.
 */
import sharp from "sharp";
import type { Sharp } from "sharp";

export type ImageFormat = "JPEG" | "PNG" | "WebP" | "GIF";

/** What a file is by its first bytes, not by its name; null for what is not known to give the pixels of Pillow. */
export function imageFormat(bytes: Buffer): ImageFormat | null {
  if (startsWith(bytes, "\xff\xd8\xff")) return "JPEG";
  if (startsWith(bytes, "\x89PNG\r\n\x1a\n")) return "PNG";
  if (startsWith(bytes, "RIFF") && startsWith(bytes, "WEBP", 8)) return "WebP";
  if (startsWith(bytes, "GIF87a") || startsWith(bytes, "GIF89a")) return "GIF";
  return null;
}

/** In words, for an error: what a file is that is none of the above, and what to do about it. */
export function describeOther(bytes: Buffer): { readonly found: string; readonly advice: string } {
  const image = otherImage(bytes);
  if (image !== null) return { found: `found ${image}`, advice: "Convert it to PNG" };
  const text = bytes.toString("latin1", 0, 256).trimStart();
  if (/^<(!doctype html|html)/i.test(text)) {
    return { found: "found a web page, probably an error message", advice: "Download it again" };
  }
  if (text.startsWith("version https://git-lfs")) {
    return { found: "found a Git LFS pointer", advice: "Fetch the file it stands for (git lfs pull)" };
  }
  const shown = JSON.stringify(text.slice(0, 12));
  return { found: `found a file that begins with ${shown}`, advice: "Is it an image? If so, convert it to PNG" };
}

function otherImage(bytes: Buffer): string | null {
  if (startsWith(bytes, "BM")) return "a BMP image";
  if (startsWith(bytes, "II*\0") || startsWith(bytes, "MM\0*")) return "a TIFF image";
  if (startsWith(bytes, "ftypavi", 4)) return "an AVIF image";
  if (startsWith(bytes, "ftyp", 4)) return "a HEIF image or a video";
  if (startsWith(bytes, "\0\0\0\x0cjP  ")) return "a JPEG 2000 image";
  if (/^\s*<(\?xml[^>]*>\s*<)?svg/i.test(bytes.toString("latin1", 0, 256))) return "an SVG drawing";
  return null;
}

function startsWith(bytes: Buffer, signature: string, at = 0): boolean {
  return bytes.toString("latin1", at, at + signature.length) === signature;
}

/** An image between decoding and resizing. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** Rows from the top, pixels from the left, red green blue: height × width × 3 bytes. */
  readonly pixels: Uint8Array;
}

/** By the header alone: nothing is decoded, so that a huge picture costs nothing. */
export async function readImageSize(bytes: Buffer): Promise<{ readonly width: number; readonly height: number }> {
  const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata();
  return { width, height };
}

/** Throws an Error that says what is broken. */
export async function decodeImage(bytes: Buffer, format: ImageFormat): Promise<RgbImage> {
  try {
    return await decodeWith(bytes, format, "error");
  } catch (error) {
    // Pillow passes over the checksums of a PNG's pixels, as libvips does with "truncated"; of header and palette it does not.
    if (format !== "PNG" || !pixelsUnread.test(String(error))) throw error;
    return await decodeWith(bytes, format, "truncated");
  }
}

/** What libvips says of pixels (vipspng.c). Of a header it says otherwise. */
const pixelsUnread = /libpng read error/;

async function decodeWith(bytes: Buffer, format: ImageFormat, failOn: "error" | "truncated"): Promise<RgbImage> {
  const picture = sharp(bytes, { failOn, ignoreIcc: true, limitInputPixels: false });
  const { space, depth } = await picture.metadata();
  if (space === "cmyk") {
    const { data, size } = await readSamples(picture.pipelineColourspace("cmyk").toColourspace("cmyk"));
    return { ...size, pixels: rgbFromCmyk(data) };
  }
  if (format === "PNG" && depth === "ushort" && isGreyPng(bytes)) {
    const { data, size } = await readSamples(picture.toColourspace("grey16").removeAlpha(), "ushort");
    const samples = new Uint16Array(Uint8Array.from(data).buffer);
    return { ...size, pixels: rgbFromGrey(samples.map(hasAlphaPng(bytes) ? highByte : clipToByte)) };
  }
  const { data, size, channels } = await readSamples(picture.removeAlpha());
  return { ...size, pixels: channels === 1 ? rgbFromGrey(data) : data };
}

async function readSamples(
  picture: Sharp,
  depth: "uchar" | "ushort" = "uchar",
): Promise<{ readonly data: Uint8Array; readonly size: { width: number; height: number }; readonly channels: number }> {
  const { data, info } = await picture.raw({ depth }).toBuffer({ resolveWithObject: true });
  return { data, size: { width: info.width, height: info.height }, channels: info.channels };
}

/** Pillow's formula (src/libImaging/Convert.c: cmyk2rgb): light left by the black ink, less what the coloured ink takes. */
function rgbFromCmyk(inks: Uint8Array): Uint8Array {
  const pixels = new Uint8ClampedArray((inks.length / 4) * 3); // clamps what falls below 0
  for (let from = 0, to = 0; from < inks.length; from += 4, to += 3) {
    const light = 255 - inks[from + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      const product = inks[from + channel]! * light + 128;
      pixels[to + channel] = light - ((product + (product >> 8)) >> 8); // light × ink / 255, rounded
    }
  }
  return new Uint8Array(pixels.buffer);
}

function rgbFromGrey(grey: Uint8Array | Uint16Array): Uint8Array {
  const pixels = new Uint8Array(grey.length * 3);
  for (let from = 0, to = 0; from < grey.length; from++, to += 3) {
    pixels[to] = pixels[to + 1] = pixels[to + 2] = grey[from]!;
  }
  return pixels;
}

/** 16-bit grey without alpha: Pillow takes everything above 255 for white (Convert.c: I;16 to RGB). */
const clipToByte = (value: number): number => Math.min(value, 255);
/** 16-bit grey with alpha: Pillow reads the high byte (PngImagePlugin.py: LA;16B). Colour has it so, here and there. */
const highByte = (value: number): number => value >> 8;

/** The colour type's bits for colour and for alpha (PNG specification, 11.2.1). */
const PNG_COLOR_TYPE = 25;
const isGreyPng = (bytes: Buffer): boolean => (bytes.readUInt8(PNG_COLOR_TYPE) & 2) === 0;
const hasAlphaPng = (bytes: Buffer): boolean => (bytes.readUInt8(PNG_COLOR_TYPE) & 4) !== 0;
