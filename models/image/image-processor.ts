/**
 * An image file → pixels [3, height, width], as BlipImageProcessorPil of transformers 5.12.1 makes them, bit for bit:
 * decode, RGB, bicubic resize of the bytes, rescale, normalise. BLIP-2 squeezes every image to a square; nothing is cropped.
 */
import { readFile } from "node:fs/promises";
import { decodeImage, describeOther, imageFormat, readImageSize } from "./image-decoder.ts";
import type { RgbImage } from "./image-decoder.ts";
import { ImageError } from "../model.ts";
import type { ImageFile, StageLatency } from "../model.ts";
import { resizeBicubic } from "./pillow-resize.ts";
import type { PixelSettings } from "./preprocessor-config.ts";
import { StageClock } from "../stage-clock.ts";

export interface ImageLimits {
  /** Width and height at most. */
  readonly side: number;
  /** Width × height at most. */
  readonly pixels: number;
}

export const imageLimits: ImageLimits = {
  side: 16_384, // each of 224 columns would stand for more than 73 pixels, which is a mistake
  pixels: 178_956_970, // Pillow refuses more as a decompression bomb (Image.py: twice MAX_IMAGE_PIXELS)
};

/** The limits where a user allows so many pixels, in whatever sides; null: the usual ones. */
export function limitsWith(maxPixels: number | null): ImageLimits {
  return maxPixels === null ? imageLimits : { side: Infinity, pixels: maxPixels };
}

export interface LoadedPixels {
  /** [3, height, width] */
  readonly values: Float32Array;
  /** imageRead, imageDecode and imageResize, which includes rescaling and normalising. */
  readonly latencyMs: StageLatency;
}

/** Throws ImageError. */
export async function loadPixels(path: string, settings: PixelSettings, limits = imageLimits): Promise<LoadedPixels> {
  const clock = new StageClock();
  const bytes = await clock.time("imageRead", () => readImageBytes(path));
  const values = await pixelsOf({ path, bytes }, settings, { clock, limits });
  return { values, latencyMs: clock.shares(1) };
}

/** Pixels [3, height, width] of a file that was read; `clock` gets imageDecode and imageResize. Throws ImageError. */
export async function pixelsOf(
  { path, bytes }: { readonly path: string; readonly bytes: Buffer },
  settings: PixelSettings,
  { clock, limits = imageLimits }: { readonly clock: StageClock; readonly limits?: ImageLimits },
): Promise<Float32Array> {
  const image = await clock.time("imageDecode", () => decode(path, bytes, limits));
  const start = performance.now();
  const values = normalise(resizeBicubic(image, settings.width, settings.height), settings);
  clock.add("imageResize", performance.now() - start);
  return values;
}

/** Throws ImageError. */
export async function readImage(path: string, limits = imageLimits): Promise<RgbImage> {
  return decode(path, await readImageBytes(path), limits);
}

/**
 * Bytes [height, width, 3] → [3, height, width]: (byte × factor - mean) / deviation. The product is taken in double
 * precision and everything else in single, as numpy does it (transformers, image_transforms.py: rescale, normalize).
 */
export function normalise(
  { width, height, pixels }: RgbImage,
  { rescaleFactor, mean, standardDeviation }: Pick<PixelSettings, "rescaleFactor" | "mean" | "standardDeviation">,
): Float32Array {
  const area = width * height;
  const values = new Float32Array(3 * area);
  const { fround } = Math;
  for (let channel = 0; channel < 3; channel++) {
    const [shift, scale] = [fround(mean[channel]!), fround(standardDeviation[channel]!)];
    const byByte = Float32Array.from(
      { length: 256 },
      (_, byte) => fround(fround(byte * rescaleFactor) - shift) / scale,
    );
    for (let from = channel, to = channel * area; from < pixels.length; from += 3, to++)
      values[to] = byByte[pixels[from]!]!;
  }
  return values;
}

/** The bytes of an image, wherever it says that they are. Throws ImageError. */
export async function imageBytes({ path, bytes, read, unreadable }: Omit<ImageFile, "id">): Promise<Buffer> {
  if (unreadable !== undefined) throw new ImageError(unreadable);
  if (bytes !== undefined || read === undefined) return await readImageBytes(path, bytes);
  const given = await read().catch((cause: unknown) => {
    throw new ImageError(cause instanceof Error ? cause.message : String(cause), { cause });
  });
  return await readImageBytes(path, given);
}

/** Throws ImageError. `given`: the file's bytes, where they are at hand. */
export async function readImageBytes(path: string, given?: Uint8Array): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = given === undefined ? await readFile(path) : Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  } catch (cause) {
    throw new ImageError(`${path}: ${whyUnreadable(cause)}`, { cause });
  }
  if (bytes.length === 0) throw new ImageError(`${path}: the file is empty, expected an image. Download it again.`);
  return bytes;
}

function whyUnreadable(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT") return "no such file. Is this the folder of the images?";
  if (code === "EISDIR") return "this is a folder, expected an image file.";
  return `the file cannot be read (${String(code ?? cause)}). Check the path and its permissions.`;
}

async function decode(path: string, bytes: Buffer, limits: ImageLimits): Promise<RgbImage> {
  const format = imageFormat(bytes);
  if (format === null) {
    const { found, advice } = describeOther(bytes);
    throw new ImageError(`${path}: ${found}, expected JPEG, PNG, WebP or GIF. ${advice}.`);
  }
  try {
    checkSize(path, await readImageSize(bytes), limits);
    return await decodeImage(bytes, format);
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    throw new ImageError(
      `${path}: the ${format} file of ${bytes.length} bytes is truncated or damaged (${decoderReason(cause)}). Download it again.`,
      { cause },
    );
  }
}

/** What the decoder found, without its function names and without what follows from the first fault. */
function decoderReason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const [reason = ""] = message.replace(/^Input buffer has corrupt header:\s*/, "").split("\n");
  return reason.replace(/^(vips\w*: |Unknown error$)/i, "") || "its header is broken";
}

/** `name`: what the message calls the image. Throws ImageError. */
export function checkSize(
  name: string,
  { width, height }: { readonly width: number; readonly height: number },
  limits: ImageLimits,
): void {
  const found = `${name}: the image has ${width} × ${height} pixels`;
  if (width < 1 || height < 1) throw new ImageError(`${found}, expected at least one. Download it again.`);
  if (width === 1 && height === 1) {
    throw new ImageError(`${found}: the placeholder of a failed download, not a picture. Download it again.`);
  }
  const advice = "Scale it down, or allow more with --max-pixels.";
  if (width * height > limits.pixels) {
    throw new ImageError(`${found}, ${width * height} in all, expected at most ${limits.pixels}. ${advice}`);
  }
  if (Math.max(width, height) > limits.side) {
    throw new ImageError(`${found}, expected at most ${limits.side} a side. ${advice}`);
  }
}
