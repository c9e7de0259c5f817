/**
 * When only a few images score otherwise: their differences say little about those of images not seen, and Student's interval,
 * made of them, is too narrow. Then the share of images that become worse is bounded exactly (Clopper and Pearson 1934), and each
 * of them is taken to lose as much as any image could.
 */
import { exactShareInterval } from "../../statistics/distributions.ts";
import { total } from "../../statistics/paired-mean.ts";
import type { PairedSums } from "../../statistics/paired-mean.ts";

/**
 * From here on the interval is trusted. Of 3 rare losses, Student's lower bound allows 5.8 and the exact one 7.8; of 30, 39.0 and
 * 40.7. With 5 losses expected in 300 images, Student's t alone passes a margin that is just missed 17 % of the time, not 5 %.
 */
export const enoughImages = 30;

export interface Moved {
  /** Images whose sum differs. */
  readonly differing: number;
  readonly worse: number;
}

export function movedImages({ differences }: PairedSums): Moved {
  return {
    differing: differences.filter((value) => value !== 0).length,
    worse: differences.filter((value) => value < 0).length,
  };
}

/**
 * The one-sided 95 % lower bound of the mean difference. 0 where no image became worse: a loss that none shows is not assumed,
 * as it is not where runs are identical.
 *
 * @param sample the most that one sample can lose: the best score of the base, where 0 is the least.
 */
export function lowestDifference(sums: PairedSums, sample: number): number {
  const { worse } = movedImages(sums);
  const images = sums.counts.length;
  if (worse === 0) return 0;
  const share = exactShareInterval(worse, images, 0.9).high; // the upper end of 90 % is the one-sided one of 95 %
  const loss = sums.differences.reduce((most, value) => Math.max(most, -value), sample);
  return -(share * images * loss) / total(sums.counts);
}
