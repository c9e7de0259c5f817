/**
 * Where a series of numbers changes its level: Pettitt's test (1979), which uses ranks alone, so that an outlier is no change and
 * noise may have any distribution. Its p-value is by permutation, exact in the limit where his formula is a bound. Where a change
 * is found, both sides are searched again.
 *
 *   n values, U(k) the pairs (i <= k < j) with value i above value j, less those below; the change is where |U| is largest
 */
import { median } from "./medians.ts";
import { drawKeys, randomIndex } from "./random.ts";

export interface ChangePoint {
  /** The first value of the new level. */
  readonly place: number;
  /** Medians of the stretch before it and of that from it on. */
  readonly before: number;
  readonly after: number;
  readonly pValue: number;
}

/** A history has many series, and each is looked at after every commit: 5 % would cry wolf. */
const level = 0.01;
const draws = 4999; // a p-value of 1 % then has a standard error of 0.14 points
/** With fewer on both sides together no order of them is rarer than the level: 2 / (10 choose 5) = 0.8 %, 2 / (8 choose 4) = 2.9 %. */
export const fewestValues = 10;

export function changePoints(values: readonly number[], seed = 0): readonly ChangePoint[] {
  const found = search(values, { from: 0, to: values.length }, seed).toSorted((a, b) => a.place - b.place);
  return found.map(({ place, pValue }, index) => {
    const [start, end] = [found[index - 1]?.place ?? 0, found[index + 1]?.place ?? values.length];
    return { place, before: median(values.slice(start, place)), after: median(values.slice(place, end)), pValue };
  });
}

interface LevelChange {
  readonly place: number;
  readonly pValue: number;
}

function search(
  values: readonly number[],
  { from, to }: { readonly from: number; readonly to: number },
  seed: number,
): readonly LevelChange[] {
  const stretch = values.slice(from, to);
  if (stretch.length < fewestValues) return [];
  const ranks = ranksOf(stretch);
  const { place, statistic } = largest(ranks);
  if (statistic === 0) return [];
  let extreme = 0;
  for (let draw = 0; draw < draws; draw += 1) {
    if (largest(shuffled(ranks, seed, draw)).statistic >= statistic - 1e-9) extreme += 1;
  }
  const pValue = (1 + extreme) / (1 + draws);
  if (pValue > level) return [];
  const at = from + place;
  return [{ place: at, pValue }, ...search(values, { from, to: at }, seed), ...search(values, { from: at, to }, seed)];
}

/** U(k) is twice the sum of the first k ranks, less k × (n + 1). */
function largest(ranks: Float64Array): { readonly place: number; readonly statistic: number } {
  let [sum, place, statistic] = [0, 0, 0];
  for (let k = 1; k < ranks.length; k += 1) {
    sum += ranks[k - 1]!;
    const size = Math.abs(2 * sum - k * (ranks.length + 1));
    if (size > statistic) [place, statistic] = [k, size];
  }
  return { place, statistic };
}

/** From 1; equal values share the mean of their ranks. */
function ranksOf(values: readonly number[]): Float64Array {
  return Float64Array.from(values, (value) => {
    const below = values.filter((other) => other < value).length;
    return below + (values.filter((other) => other === value).length + 1) / 2;
  });
}

/** Fisher and Yates. */
function shuffled(values: Float64Array, seed: number, draw: number): Float64Array {
  const keys = drawKeys(seed, draw);
  const order = values.slice();
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = randomIndex(keys, last, last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
