/** What an image file is, by its header alone: whether it can be used at all, how large it is, whether it moves. */
import sharp from "sharp";
import { describeOther, imageFormat } from "./image-format.ts";
import type { ImageFormat } from "./image-format.ts";
import { readImageSize } from "./image-decoder.ts";
import { readImageBytes } from "./image-processor.ts";
import { ImageError } from "../model.ts";

export interface ImageFacts {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  /** More than one: only the first is looked at. */
  readonly frames: number;
}

/** Throws ImageError: missing, empty, no image, or with a header that is broken. */
export async function inspectImage(path: string): Promise<ImageFacts> {
  return inspectImageBytes(await readImageBytes(path), path);
}

/** The same of bytes that were read; `name` is what messages call them. */
export async function inspectImageBytes(bytes: Buffer, name: string): Promise<ImageFacts> {
  if (bytes.length === 0) throw new ImageError(`${name}: the file is empty, expected an image. Download it again.`);
  const format = imageFormat(bytes);
  if (format === null) {
    const { found, advice } = describeOther(bytes);
    throw new ImageError(`${name}: ${found}, expected JPEG, PNG, WebP or GIF. ${advice}.`);
  }
  try {
    const size = await readImageSize(bytes, format);
    if (format === "JPEG" || format === "PNG") return { format, ...size, frames: 1 };
    const { pages = 1 } = await sharp(bytes, { limitInputPixels: false }).metadata();
    return { format, ...size, frames: pages };
  } catch (cause) {
    throw new ImageError(`${name}: the header of the ${format} file is broken. Download it again.`, { cause });
  }
}
