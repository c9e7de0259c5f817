/** Makes a small JPEG of an image file, as a data: URL, with @napi-rs/canvas. */
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { stat } from "node:fs/promises";

const side = 224; // length of the longer side in pixels; the resolution of BLIP-2's input
const quality = 70;
const mostBytes = 40_000_000; // bytes; photographs in data sets are smaller

export interface ImagePlace {
  readonly path: string;
  /** Reads the bytes of an image that is stored inside another file; unset: the image is the file at `path`. */
  readonly read?: () => Promise<Uint8Array>;
}

/** null: the file is missing or is not a readable image. */
export async function thumbnailOf({ path, read }: ImagePlace): Promise<string | null> {
  try {
    if (read === undefined && (await stat(path)).size > mostBytes) return null;
    const image = await loadImage(read === undefined ? path : await read());
    const scale = Math.min(1, side / Math.max(image.width, image.height));
    const [width, height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
    const canvas = createCanvas(Math.max(1, width), Math.max(1, height));
    const context = canvas.getContext("2d");
    context.fillStyle = "#ffffff"; // JPEG has no transparency
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const bytes = await canvas.encode("jpeg", quality);
    return `data:image/jpeg;base64,${bytes.toString("base64")}`;
  } catch {
    return null; // the run has reported the problem; the sample is shown without a picture
  }
}
