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

/** Decodes the images of the batch to come while the model computes the one at hand. */
export function readAhead(model: VisionLanguageModel, batch: readonly Sample[]): void {
  const images = new Map(batch.map(({ image }) => [image.id, image]));
  for (const image of images.values()) void decoding(() => model.readAhead(image));
}
