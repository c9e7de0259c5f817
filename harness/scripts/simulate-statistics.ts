/**
 * `npm run simulate:statistics`: how often the tests and intervals err, on simulated data with a known true difference.
 * Prints docs/statistics.md. It is seeded, so every run prints equal numbers.
 *
 * The difference of a question is a part shared by all questions of its image plus a part of its own; both are normal,
 * and their variances add up to 1. `icc` is the variance of the shared part. With `isJudged` that number is cut at ±1.2
 * to -1, 0 or 1, as where answers are right or wrong.
 */
import { fileURLToPath } from "node:url";
import { nonInferiority } from "../statistics/non-inferiority.ts";
import { differenceIntervals, meanDifference } from "../statistics/paired-mean.ts";
import type { PairedSums } from "../statistics/paired-mean.ts";
import { drawKeys, randomNormal } from "../statistics/random.ts";
import type { DrawKeys } from "../statistics/random.ts";
import { signFlipTest } from "../statistics/sign-flip.ts";

export interface Simulation {
  readonly images: number;
  /** Intra-image correlation. */
  readonly icc: number;
  /** True mean of the differences, in standard deviations. */
  readonly mean: number;
  readonly isJudged: boolean;
}

const cut = 1.2; // about a quarter of the differences are not 0

/** Images have 1 to 9 questions, 5.3 on average. */
export function simulatedSums({ images, icc, mean, isJudged }: Simulation, keys: DrawKeys): PairedSums & Naive {
  const zeros = (): Float64Array => new Float64Array(images);
  const [counts, differences] = [zeros(), zeros()];
  let [sum, squares, samples, place] = [0, 0, 0, 0];
  for (let image = 0; image < images; image += 1) {
    const shared = Math.sqrt(icc) * randomNormal(keys, place++);
    const size = sizes[image % sizes.length]!;
    counts[image] = size;
    for (let question = 0; question < size; question += 1) {
      const latent = shared + Math.sqrt(1 - icc) * randomNormal(keys, place++);
      const value = mean + (isJudged ? (latent > cut ? 1 : latent < -cut ? -1 : 0) : latent);
      differences[image]! += value;
      sum += value;
      squares += value * value;
      samples += 1;
    }
  }
  const naiveError = Math.sqrt((squares / samples - (sum / samples) ** 2) / (samples - 1));
  return { counts, base: zeros(), candidate: differences, differences, naiveError };
}

interface Naive {
  /** Standard error if questions were independent. */
  readonly naiveError: number;
}

const sizes = [1, 3, 4, 5, 5, 6, 6, 6, 8, 9]; // mean 5.3

export interface ErrorRates {
  readonly naive: number;
  readonly signFlip: number;
  readonly coverage: number;
}

/**
 * For `draws` data sets without a true difference: the share in which each test rejects, and in which the interval
 * contains 0.
 */
export function errorRates(simulation: Simulation, { draws, seed }: { draws: number; seed: number }): ErrorRates {
  let [naive, signFlip, covered] = [0, 0, 0];
  for (let draw = 0; draw < draws; draw += 1) {
    const sums = simulatedSums(simulation, drawKeys(seed, draw));
    const { difference } = meanDifference(sums);
    const options = { draws: 1000, seed: draw };
    const [interval] = differenceIntervals(sums, [0.95], options);
    if (Math.abs(difference - simulation.mean) > 1.959964 * sums.naiveError) naive += 1;
    if (interval!.low <= simulation.mean && interval!.high >= simulation.mean) covered += 1;
    if (signFlipTest(sums.differences, options).pValue <= 0.05) signFlip += 1;
  }
  return { naive: naive / draws, signFlip: signFlip / draws, coverage: covered / draws };
}

/** The share of each of the three verdicts where the true difference is `mean`. */
export function verdictRates(
  simulation: Simulation,
  { margin, draws, seed }: { margin: number; draws: number; seed: number },
): Readonly<Record<"pass" | "fail" | "inconclusive", number>> {
  const counts = { pass: 0, fail: 0, inconclusive: 0 };
  for (let draw = 0; draw < draws; draw += 1) {
    const sums = simulatedSums(simulation, drawKeys(seed, draw));
    const [interval, bounds] = differenceIntervals(sums, [0.95, 0.9], { draws: 1000, seed: draw });
    const measured = { ...meanDifference(sums), interval: interval!, bounds: bounds! };
    counts[nonInferiority(measured, margin).verdict] += 1;
  }
  return { pass: counts.pass / draws, fail: counts.fail / draws, inconclusive: counts.inconclusive / draws };
}

/** The text of the document, with `draws` data sets for each line of its tables. */
export function report(draws: number): string {
  const percent = (share: number): string => (share * 100).toFixed(1);
  const correlations = [0, 0.02, 0.05, 0.1, 0.2];
  const errors = [
    { images: 500, isJudged: false, label: "500, normal" },
    { images: 500, isJudged: true, label: "500, right or wrong" },
    { images: 40, isJudged: true, label: "40, right or wrong" },
    { images: 20, isJudged: true, label: "20, right or wrong" },
  ].flatMap(({ label, ...rest }, kind) =>
    correlations.map((icc, place) => {
      const seed = 100 * kind + place;
      const { naive, signFlip, coverage } = errorRates({ ...rest, icc, mean: 0 }, { draws, seed });
      return `| ${label} | ${icc} | ${[naive, signFlip, coverage].map(percent).join(" | ")} |`;
    }),
  );
  const margin = 0.1; // standard deviations of a difference: about two standard errors of the mean here
  const verdicts = [
    { label: "worse by the margin", mean: -margin },
    { label: "worse by half the margin", mean: -margin / 2 },
    { label: "no difference", mean: 0 },
    { label: "worse by twice the margin", mean: -2 * margin },
  ].flatMap(({ label, mean }, kind) =>
    correlations.map((icc, place) => {
      const simulation = { images: 500, icc, mean, isJudged: false };
      const rates = verdictRates(simulation, { margin, draws, seed: 1000 + 100 * kind + place });
      const { pass, fail, inconclusive } = rates;
      return `| ${label} | ${icc} | ${[pass, fail, inconclusive].map(percent).join(" | ")} |`;
    }),
  );
  return [
    "# How often the statistics err",
    "",
    "Made by `npm run simulate:statistics`: do not edit. Data sets with a known truth, 5.3 questions an image on average, whose",
    "answers are the more alike within an image the larger the intra-image correlation. " +
      `${draws} data sets a line, so a share`,
    `of 5 % is known to ± ${(196 * Math.sqrt((0.05 * 0.95) / draws)).toFixed(1)} points.`,
    "",
    "## Tests at 5 %, intervals at 95 %",
    "",
    "Without a true difference: how often a test rejects, and how often the interval has the truth in it, in percent. `naive`",
    "takes questions as independent, as many evaluations do; it is here for comparison and used nowhere. With fewer than 30",
    "images the interval is the inverted sign-flip test. Few images and few kinds of differences leave many sign patterns with",
    "the very same sum, which count against rejecting: the test is then careful, never the opposite.",
    "",
    "| images, differences | correlation | naive test | sign-flip test | coverage |",
    "|:---|---:|---:|---:|---:|",
    ...errors,
    "",
    "## Non-inferiority",
    "",
    `500 images, a margin of ${margin} standard deviations of a difference. Verdicts in percent: a candidate that is worse by the`,
    "margin should pass in 5 %, and one without a difference should all but never fail. One that is worse, but by less than the",
    "margin, fails where it is measured beyond the margin and is worse than the base beyond doubt.",
    "",
    "| truth | correlation | pass | fail | inconclusive |",
    "|:---|---:|---:|---:|---:|",
    ...verdicts,
    "",
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(report(4000));
