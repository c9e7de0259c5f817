/** Images that will be asked about, decoded while the model computes. */
import pLimit from "p-limit";
import type { ImageFile, VisionLanguageModel } from "../../models/model.ts";

/** Images decoded at a time: as many as the decoder has threads for (libuv's pool has four). */
const decoding = pLimit(4);

/** Images read ahead of the window that is computed: at 364 pixels a side 50 MB. A single window may have more. */
const imagesAhead = 32;

/** Decodes the images of the next window, and of as many more as `imagesAhead` allows. */
export function readAhead(
  model: Pick<VisionLanguageModel, "readAhead">,
  windows: readonly (readonly { readonly image: ImageFile }[])[],
): void {
  const images = new Map<string, ImageFile>();
  for (const window of windows) {
    const more = new Map(window.map(({ image }) => [image.id, image]));
    if (images.size > 0 && images.size + more.size > imagesAhead) break;
    for (const [id, image] of more) images.set(id, image);
  }
  for (const image of images.values()) void decoding(() => model.readAhead(image));
}
