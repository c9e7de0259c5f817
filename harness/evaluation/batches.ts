/**
 * The windows of a run, a few batches' worth of samples each, fixed by the samples and the batch size alone. So a run that
 * goes on after a crash forms the same ones as a run that never stopped, and a model that rounds differently in other company
 * gives the same bytes.
 */
import type { Sample } from "../../datasets/dataset.ts";

/**
 * Batches a window holds. Within it rows of finished samples are filled again, so the last few of a window decode in a batch
 * that is not full: with more batches that is rarer, and more is lost when a run is killed.
 */
const batchesPerWindow = 4;

/**
 * Samples about one image stand together, so that it is encoded once; images in the order they first come. A window has
 * as many whole images as fit. No image is in two windows, where it would be encoded in the company of other images, unless
 * it has more samples than fit: then it has windows of its own.
 */
export function planWindows<S extends Sample>(samples: readonly S[], batchSize: number): readonly (readonly S[])[] {
  const size = batchesPerWindow * batchSize;
  const byImage = new Map<string, S[]>();
  for (const sample of samples) {
    const together = byImage.get(sample.image.id);
    if (together === undefined) byImage.set(sample.image.id, [sample]);
    else together.push(sample);
  }
  const windows: (readonly S[])[] = [];
  let window: S[] = [];
  for (const together of byImage.values()) {
    if (window.length > 0 && window.length + together.length > size) {
      windows.push(window);
      window = [];
    }
    window.push(...together);
    if (window.length <= size) continue;
    for (let start = 0; start < window.length; start += size) windows.push(window.slice(start, start + size));
    window = [];
  }
  if (window.length > 0) windows.push(window);
  return windows;
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
