/**
 * The sign-flip test: if two systems do not differ, each cluster's difference could as well have had the other sign. All
 * signs of a cluster's samples turn together, so that what its samples share does not count as evidence. For a score that is
 * no mean, turning a sign is giving each system the other's counts of that cluster (Riezler and Maxwell 2005).
 */
import { drawKeys, randomBits } from "./random.ts";

export interface FlipOptions {
  /** Random sign patterns, where there are too many to try all. */
  readonly draws: number;
  readonly seed: number;
}

export interface Flips {
  /** All 2 ** clusters sign patterns were tried. */
  readonly isExact: boolean;
  readonly draws: number;
  /** For each column, for each draw: the sum over the clusters whose sign is turned. */
  readonly flipped: readonly Float64Array[];
}

const mostPatterns = 1e6; // all of them take about as long as reading the runs
const wordBits = 32;
const tableBits = 8; // 256 sums of 8 clusters: one look-up in place of eight additions

/**
 * @param columns one number a cluster each. A draw turns the signs of one set of clusters in all columns.
 */
export function flipSigns(columns: readonly Float64Array[], { draws, seed }: FlipOptions): Flips {
  const clusters = columns[0]?.length ?? 0;
  const isExact = 2 ** clusters <= mostPatterns;
  const patterns = isExact ? 2 ** clusters : draws;
  const keys = isExact ? [] : Array.from({ length: patterns }, (_, draw) => drawKeys(seed, draw));
  const flipped = columns.map(() => new Float64Array(patterns));
  const tables = columns.map(() => new Float64Array((wordBits / tableBits) * 2 ** tableBits));
  for (let start = 0; start < clusters; start += wordBits) {
    for (const [index, column] of columns.entries()) fillTables(tables[index]!, column, start);
    const word = start / wordBits;
    for (let draw = 0; draw < patterns; draw += 1) {
      const bits = isExact ? draw : randomBits(keys[draw]!, word); // exact: fewer clusters than bits, so one word
      for (let index = 0; index < columns.length; index += 1) {
        const table = tables[index]!;
        flipped[index]![draw]! +=
          table[bits & 255]! +
          table[256 + ((bits >>> 8) & 255)]! +
          table[512 + ((bits >>> 16) & 255)]! +
          table[768 + (bits >>> 24)]!;
      }
    }
  }
  return { isExact, draws: patterns, flipped };
}

/** For four groups of eight clusters from `start` on, the sum of every subset, by the bits of its place. */
function fillTables(tables: Float64Array, values: Float64Array, start: number): void {
  for (let group = 0; group < wordBits / tableBits; group += 1) {
    const offset = group * 2 ** tableBits;
    tables[offset] = 0;
    for (let bit = 0; bit < tableBits; bit += 1) {
      const value = values[start + group * tableBits + bit] ?? 0; // past the end: nothing to turn
      const half = 2 ** bit;
      for (let subset = 0; subset < half; subset += 1)
        tables[offset + half + subset] = tables[offset + subset]! + value;
    }
  }
}

/**
 * The share of sign patterns whose statistic is at least as far from 0 as that of the data; (1 + count) / (1 + draws) for
 * random ones, which is never 0 and keeps the test's error at its level (Phipson and Smyth 2010).
 *
 * @param tolerance how far below the data's statistic still counts as equal: sums in another order differ in the last digits.
 */
export function flipPValue(
  { isExact, draws }: Pick<Flips, "isExact" | "draws">,
  statistic: (draw: number) => number,
  { observed, tolerance }: { readonly observed: number; readonly tolerance: number },
): number {
  const least = Math.abs(observed) - tolerance;
  let extreme = 0;
  for (let draw = 0; draw < draws; draw += 1) if (Math.abs(statistic(draw)) >= least) extreme += 1;
  return isExact ? extreme / draws : (1 + extreme) / (1 + draws);
}

export interface SignFlipTest {
  readonly pValue: number;
  readonly isExact: boolean;
  readonly draws: number;
}

/** The two-sided test of "the cluster sums of the differences are as likely positive as negative". */
export function signFlipTest(differences: Float64Array, options: FlipOptions): SignFlipTest {
  const moved = differences.filter((difference) => difference !== 0); // 0 has no sign to turn
  let total = 0;
  let size = 0;
  for (const difference of moved) {
    total += difference;
    size += Math.abs(difference);
  }
  const flips = flipSigns([moved], options);
  const sums = flips.flipped[0]!;
  const pValue = flipPValue(flips, (draw) => total - 2 * sums[draw]!, { observed: total, tolerance: size * 1e-10 });
  return { pValue, isExact: flips.isExact, draws: flips.draws };
}
