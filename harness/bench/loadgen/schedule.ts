/**
 * What is asked, and when: drawn before the clock starts, from the seeds alone. Inter-arrival times of the Server scenario are
 * -ln(1 - u) / rate, u from MT19937; C++ leaves its own distribution to the library, so LoadGen's times cannot be matched.
 */
import { MersenneTwister } from "./mersenne-twister.ts";
import type { LoadGenSettings, SampleChoice } from "./settings.ts";

/** Gives the next indices into the library of samples, as many as a query has. */
export type Chooser = (count: number) => readonly number[];

/** @param samples number of samples in the library */
export function sampleChooser(
  { sampleChoice, scenario, seeds }: Pick<LoadGenSettings, "sampleChoice" | "scenario" | "seeds">,
  samples: number,
): Chooser {
  const random = new MersenneTwister(seeds.sampleIndex);
  const isContiguous = scenario === "offline" || scenario === "multi-stream";
  if (sampleChoice === "with-replacement" && isContiguous) {
    // Neighbours from a place drawn for each query; the offline query repeats the library as it stands.
    return (count) => {
      const start = scenario === "offline" || count >= samples ? 0 : random.below(samples - count + 1);
      return Array.from({ length: count }, (_, place) => (start + place) % samples);
    };
  }
  const next = oneByOne(sampleChoice, samples, random);
  return (count) => Array.from({ length: count }, next);
}

function oneByOne(choice: SampleChoice, samples: number, random: MersenneTwister): () => number {
  if (choice === "with-replacement") return () => random.below(samples);
  if (choice === "same") {
    const same = random.below(samples);
    return () => same;
  }
  let order: number[] = [];
  let next = 0;
  return () => {
    if (next === order.length) {
      // A unique choice repeats its order, as LoadGen does once the loaded set is used up.
      if (order.length === 0 || choice === "equal-issue") order = random.permutation(samples);
      next = 0;
    }
    next += 1;
    return order[next - 1]!;
  };
}

/**
 * Nanoseconds from the start at which queries arrive, the first at 0: until both minima hold, or a maximum is hit. Never runs
 * out, for the last query is the first that is not before the minimum duration.
 */
export function poissonArrivals(
  settings: Pick<
    LoadGenSettings,
    "targetQps" | "minDurationMs" | "maxDurationMs" | "minQueryCount" | "maxQueryCount"
  > & {
    readonly seeds: Pick<LoadGenSettings["seeds"], "schedule">;
  },
): Float64Array {
  const { targetQps, minDurationMs, maxDurationMs, minQueryCount, maxQueryCount } = settings;
  const random = new MersenneTwister(settings.seeds.schedule);
  const arrivals: number[] = [];
  for (let timeNs = 0; ; timeNs += interArrivalNs(random.fraction(), targetQps)) {
    const isPastMaximum = maxDurationMs > 0 && timeNs > maxDurationMs * 1e6;
    if (isPastMaximum || (maxQueryCount > 0 && arrivals.length === maxQueryCount)) break;
    arrivals.push(timeNs);
    if (arrivals.length >= minQueryCount && timeNs >= minDurationMs * 1e6) break;
  }
  return Float64Array.from(arrivals);
}

/** The inverse of the exponential distribution; `uniform` is 0 to below 1. */
function interArrivalNs(uniform: number, perSecond: number): number {
  return Math.round((-Math.log1p(-uniform) / perSecond) * 1e9);
}

/** How many samples the one offline query has: `slack` times what is expected to fill the minimum duration, LoadGen's 1.1. */
export function offlineQuerySize(
  {
    minQueryCount,
    minDurationMs,
    maxDurationMs,
    targetQps,
    sampleChoice,
  }: Pick<LoadGenSettings, "minQueryCount" | "minDurationMs" | "maxDurationMs" | "targetQps" | "sampleChoice">,
  samples: number,
): { readonly count: number; readonly wanted: number } {
  const slack = 1.1;
  const filling = Math.ceil(slack * (minDurationMs / 1000) * targetQps);
  const least = Math.max(minQueryCount, filling, 1);
  // Equal issue: whole rounds of the library, so that all samples count alike.
  const wanted = sampleChoice === "equal-issue" && least > samples ? Math.ceil(least / samples) * samples : least;
  const fitting = maxDurationMs > 0 ? Math.floor((maxDurationMs / 1000) * targetQps) : Number.POSITIVE_INFINITY;
  return { count: Math.max(1, Math.min(wanted, fitting)), wanted };
}
