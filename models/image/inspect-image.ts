/** What an image file is, by its header alone: whether it can be used at all, how large it is, whether it moves. */
import sharp from "sharp";
import { describeOther, imageFormat } from "./image-decoder.ts";
import type { ImageFormat } from "./image-decoder.ts";
import { imageLimits, readImageBytes } from "./image-processor.ts";
import { ImageError } from "../model.ts";

export interface ImageFacts {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  /** More than one: only the first is looked at. */
  readonly frames: number;
  /** Whether transparent pixels were looked for and found: their colour in the palette, which Pillow shows, is lost here. */
  readonly isTransparentGif: boolean;
}

/** What a user should know of it, in words without a capital; null: nothing. */
export function noteOf({ frames, isTransparentGif }: ImageFacts): string | null {
  const notes = [
    ...(frames > 1 ? [`an animation of ${frames} frames; the first is looked at`] : []),
    ...(isTransparentGif ? ["a GIF with transparent pixels, which are taken as black"] : []),
  ];
  return notes.length === 0 ? null : `${notes.join("; ")}.`;
}

/** Throws ImageError: missing, empty, no image, or with a header that is broken. */
export async function inspectImage(path: string): Promise<ImageFacts> {
  return inspectImageBytes(await readImageBytes(path), path);
}

/** What inspectImage says, of bytes that were read already; `name` is what messages call them. */
export async function inspectImageBytes(bytes: Buffer, name: string): Promise<ImageFacts> {
  if (bytes.length === 0) throw new ImageError(`${name}: the file is empty, expected an image. Download it again.`);
  const format = imageFormat(bytes);
  if (format === null) {
    const { found, advice } = describeOther(bytes);
    throw new ImageError(`${name}: ${found}, expected JPEG, PNG, WebP or GIF. ${advice}.`);
  }
  try {
    const { width, height, pages = 1, hasAlpha } = await sharp(bytes, { limitInputPixels: false }).metadata();
    const isMoving = format === "WebP" || format === "GIF";
    return {
      format,
      width,
      height,
      frames: isMoving ? pages : 1,
      isTransparentGif:
        format === "GIF" && hasAlpha && width * height <= imageLimits.pixels && !(await isOpaque(bytes)),
    };
  } catch (cause) {
    throw new ImageError(`${name}: the header of the ${format} file is broken. Download it again.`, { cause });
  }
}

/** Looks at the first frame, as far as it is there. */
async function isOpaque(bytes: Buffer): Promise<boolean> {
  return (await sharp(bytes, { failOn: "none", limitInputPixels: false }).stats()).isOpaque;
}
