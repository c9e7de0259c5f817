/** An image as the library is given it → what a model takes: its bytes, known by their hash, so that a file may change. */
import { createHash } from "node:crypto";
import { readImageBytes } from "../../models/image/image-processor.ts";
import type { ImageFile } from "../../models/model.ts";
import { UsageError } from "../catalog/usage-error.ts";
import type { ImageInput } from "./types.ts";

/** Throws an ImageError where there is none. */
export async function readImage(input: ImageInput): Promise<ImageFile> {
  const path = typeof input === "string" ? input : "the image";
  if (typeof input !== "string" && !ArrayBuffer.isView(input)) {
    throw new UsageError(`image: found ${typeof input}, expected a path or a file's bytes.`);
  }
  const bytes = await readImageBytes(path, ...(typeof input === "string" ? [] : [Uint8Array.from(input)]));
  return { id: createHash("sha256").update(bytes).digest("hex"), path, bytes };
}
