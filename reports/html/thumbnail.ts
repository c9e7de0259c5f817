/** Makes small copies of image files with @napi-rs/canvas: for pages as data: URLs, for terminals as PNG. */
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

/** A data: URL. null: the file is missing or is not a readable image. */
export async function thumbnailOf(place: ImagePlace): Promise<string | null> {
  const bytes = await smallImage(place, "jpeg");
  return bytes === null ? null : `data:image/jpeg;base64,${bytes.toString("base64")}`;
}

/** The bytes of a small copy of the image. null: the file is missing or is not a readable image. */
export async function smallImage({ path, read }: ImagePlace, format: "jpeg" | "png"): Promise<Buffer | null> {
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
    return format === "png" ? await canvas.encode("png") : await canvas.encode("jpeg", quality);
  } catch {
    return null; // the run has reported the problem; the sample is shown without a picture
  }
}
