/**
 * Turns the image that a user gives (a path or bytes) into one that a model takes. Its id is the hash of its bytes, so
 * a file that changes is a new image.
 */
import { createHash } from "node:crypto";
import { readImageBytes } from "../../models/image/image-processor.ts";
import type { ImageFile } from "../../models/model.ts";
import { UsageError } from "../catalog/usage-error.ts";
import type { ImageInput } from "./types.ts";

/** Throws an ImageError for a file that cannot be read. */
export async function readImage(input: ImageInput): Promise<ImageFile> {
  const path = typeof input === "string" ? input : "the image";
  if (typeof input !== "string" && !ArrayBuffer.isView(input)) {
    throw new UsageError(`image: found ${typeof input}, expected a path or a file's bytes.`);
  }
  const bytes = await readImageBytes(path, ...(typeof input === "string" ? [] : [Uint8Array.from(input)]));
  return { id: createHash("sha256").update(bytes).digest("hex"), path, bytes };
}
