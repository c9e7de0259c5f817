/**
 * The batches of a run, fixed by the samples and the batch size alone. So a run that goes on after a crash forms the same
 * ones as a run that never stopped, and a model that rounds differently in batches of other sizes gives the same bytes.
 */
import pLimit from "p-limit";
import type { Sample } from "../datasets/dataset.ts";
import type { VisionLanguageModel } from "../models/model.ts";

/**
 * Samples about one image stand together, so that it is encoded once; images in the order they first come. Every batch
 * has `size` samples but the last.
 */
export function planBatches<S extends Sample>(samples: readonly S[], size: number): readonly (readonly S[])[] {
  const byImage = new Map<string, S[]>();
  for (const sample of samples) {
    const together = byImage.get(sample.image.id);
    if (together === undefined) byImage.set(sample.image.id, [sample]);
    else together.push(sample);
  }
  const ordered = [...byImage.values()].flat();
  const batches: (readonly S[])[] = [];
  for (let start = 0; start < ordered.length; start += size) batches.push(ordered.slice(start, start + size));
  return batches;
}

/** The samples a run asks: the first of the split. `limit` as in RunConfig; a fraction is rounded up. */
export function limitSamples<S>(samples: readonly S[], limit: number | null): readonly S[] {
  if (limit === null) return samples;
  return samples.slice(0, limit < 1 ? Math.ceil(samples.length * limit) : limit);
}

/** Images decoded at a time: as many as the decoder has threads for (libuv's pool has four). */
const decoding = pLimit(4);

/** Images ahead of the batch at hand: at 364 pixels a side 50 MB. A single batch may have more. */
const imagesAhead = 32;

/** Decodes the images of the batches to come, the next and as many more as memory is meant for, while the model computes. */
export function readAhead(
  model: Pick<VisionLanguageModel, "readAhead">,
  batches: readonly (readonly Pick<Sample, "image">[])[],
): void {
  const images = new Map<string, Sample["image"]>();
  for (const batch of batches) {
    const more = new Map(batch.map(({ image }) => [image.id, image]));
    if (images.size > 0 && images.size + more.size > imagesAhead) break;
    for (const [id, image] of more) images.set(id, image);
  }
  for (const image of images.values()) void decoding(() => model.readAhead(image));
}

/** Results in the order of the items, of which at most `atOnce` are worked on, or wait for one before them, at a time. */
export async function* inOrder<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item, index: number) => Promise<Result>,
): AsyncGenerator<Result> {
  const begun: Promise<Result>[] = [];
  for (let next = 0; ;) {
    for (; next < items.length && begun.length < atOnce; next += 1) {
      const result = work(items[next]!, next);
      result.catch(() => undefined); // it is told when its turn comes
      begun.push(result);
    }
    const first = begun.shift();
    if (first === undefined) return;
    yield await first;
  }
}
