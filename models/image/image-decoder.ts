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
import type { ImageFormat } from "./image-format.ts";

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
