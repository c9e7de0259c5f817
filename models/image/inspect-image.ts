/** What an image file is, by its header alone: whether it can be used at all, how large it is, whether it moves. */
import sharp from "sharp";
import { describeOther, imageFormat } from "./image-format.ts";
import { readImageSize } from "./image-decoder.ts";
import { readImageBytes } from "./image-processor.ts";
import { ImageError } from "../model.ts";

export interface ImageFacts {
  readonly width: number;
  readonly height: number;
  /** More than one: only the first is looked at. */
  readonly frames: number;
}

/** Throws ImageError: missing, empty, no image, or with a header that is broken. */
export async function inspectImage(path: string): Promise<ImageFacts> {
  const bytes = await readImageBytes(path);
  const format = imageFormat(bytes);
  if (format === null) {
    const { found, advice } = describeOther(bytes);
    throw new ImageError(`${path}: ${found}, expected JPEG, PNG, WebP or GIF. ${advice}.`);
  }
  try {
    const size = await readImageSize(bytes, format);
    if (format === "JPEG" || format === "PNG") return { ...size, frames: 1 };
    const { pages = 1 } = await sharp(bytes, { limitInputPixels: false }).metadata();
    return { ...size, frames: pages };
  } catch (cause) {
    throw new ImageError(`${path}: the header of the ${format} file is broken. Download it again.`, { cause });
  }
}
