/** Images of own data that have addresses: which of them are in the cache, and what becomes of samples whose image is not. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { DatasetError } from "../../datasets/dataset.ts";
import type { ImageAddress, Sample } from "../../datasets/dataset.ts";

/** By address: why its image could not be fetched. */
export type UnfetchedImages = ReadonlyMap<string, string>;

/** Where the cache has images of own data, each under the hash of its address. */
export function fetchedFolder(cacheFolder: string): string {
  return join(cacheFolder, "own-images");
}

export interface MissingImage extends ImageAddress {
  /** Where it is to be. */
  readonly path: string;
}

/** The images with an address that are not in the cache, each once. */
export async function missingImages(samples: readonly Sample[]): Promise<readonly MissingImage[]> {
  const byPath = new Map<string, MissingImage>();
  for (const { path, address } of samples.map(({ image }) => image)) {
    if (address !== undefined && !byPath.has(path)) byPath.set(path, { ...address, path });
  }
  const missing: MissingImage[] = [];
  for (const image of byPath.values()) {
    const found = await stat(image.path).catch(() => null);
    if (found?.isFile() !== true) missing.push(image);
  }
  return missing;
}

/**
 * The samples, with a fault in each whose image could not be fetched.
 * @param unfetched null: nothing was tried to be fetched, and an image that is missing is a DatasetError
 */
export async function withFetchedImages<S extends Sample>(
  samples: readonly S[],
  unfetched: UnfetchedImages | null,
): Promise<readonly S[]> {
  if (unfetched === null) {
    const [first, ...others] = await missingImages(samples);
    if (first === undefined) return samples;
    const more = others.length === 0 ? "" : ` So are ${others.length} more.`;
    throw new DatasetError(
      `own data: ${first.where}: the image is an address, ${first.url}, and is not in the cache.${more} ` +
        "Fetch what is missing with --pull, or download the images and name their files.",
    );
  }
  return samples.map((sample) => {
    const { address } = sample.image;
    const why = address === undefined ? undefined : unfetched.get(address.url);
    if (address === undefined || why === undefined || sample.fault !== undefined) return sample;
    return { ...sample, fault: `own data: ${address.where}: the image could not be fetched: ${why}` };
  });
}
