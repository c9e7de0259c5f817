/** Images of own data by their addresses: each into the cache, where the next run finds it. One that does not come is no error. */
import type { MissingImage, UnfetchedImages } from "../catalog/fetched-images.ts";
import { imageFormat } from "../../models/image/image-decoder.ts";
import { fetchBytes } from "../pull/network/fetch-bytes.ts";
import type { Network } from "../pull/network/network.ts";
import { PullError, PullIncompleteError } from "../pull/network/pull-error.ts";
import { writeWhole } from "./folder-to-fill.ts";

/** Of an image: a photo of 100 million pixels as JPEG has half of it. */
export const mostImageBytes = 64 << 20;

/**
 * Gives the addresses that gave no image, and why.
 * @param onImage is called after each, with how many are done
 */
export async function pullAddressedImages(
  network: Network,
  images: readonly MissingImage[],
  { mostBytes = mostImageBytes, onImage }: { readonly mostBytes?: number; readonly onImage: (done: number) => void },
): Promise<UnfetchedImages> {
  const unfetched = new Map<string, string>();
  let done = 0;
  await Promise.all(
    images.map(async ({ url, path }) => {
      try {
        const { bytes } = await fetchBytes(network, { what: url, url, mostBytes });
        if (imageFormat(bytes) === null) {
          throw new PullError(`${url}: sent something else than an image, expected JPEG, PNG, WebP or GIF.`);
        }
        await writeWhole(path, bytes);
      } catch (error) {
        if (!(error instanceof PullError || error instanceof PullIncompleteError)) throw error;
        unfetched.set(url, error.message);
      }
      onImage((done += 1));
    }),
  );
  return unfetched;
}
