/**
 * Images as they cross into another process: values only. One that is no file of its own goes over as its bytes, once for all
 * requests about it, so the other process needs to know nothing of where they lie.
 */
import type { ImageFile } from "../../models/model.ts";

/** In their order; an image that stands there several times is read once, and is one object. */
export async function imagesToSend(images: readonly ImageFile[]): Promise<readonly ImageFile[]> {
  const sent = new Map<ImageFile["read"], Promise<Pick<ImageFile, "bytes" | "unreadable">>>();
  return await Promise.all(
    images.map(async (image) => {
      const { read, ...values } = image;
      if (read === undefined) return image;
      let content = sent.get(read);
      if (content === undefined) {
        content = contentOf(read);
        sent.set(read, content);
      }
      return { ...values, ...(await content) };
    }),
  );
}

export async function imageToSend(image: ImageFile): Promise<ImageFile> {
  return (await imagesToSend([image]))[0]!;
}

/** What cannot be read fails in the other process, where its request stands among the others. */
async function contentOf(read: () => Promise<Uint8Array>): Promise<Pick<ImageFile, "bytes" | "unreadable">> {
  try {
    return { bytes: await read() };
  } catch (error) {
    return { unreadable: error instanceof Error ? error.message : String(error) };
  }
}
