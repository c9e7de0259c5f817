/**
 * FindPeakPerformance: the highest rate of arrivals that holds, LoadGen's search (loadgen.cc, FindPeakPerformanceMode): a
 * rate that holds and one that does not, by steps that double; then halving between them.
 */

export interface PeakSearch {
  /** The rate that the search begins with. */
  readonly targetQps: number;
  /** How exactly: to this share of the rate. LoadGen counts decimals, which says nothing of a rate below 1. */
  readonly tolerance: number;
  /** How many rates are tried at most. */
  readonly trials: number;
}

export interface Peak {
  /** null: none of those tried held. */
  readonly queriesPerSecond: number | null;
  readonly trials: readonly { readonly queriesPerSecond: number; readonly holds: boolean }[];
}

/** `holds`: whether a run at this rate is VALID; null ends the search, and what held so far is given. */
export async function findPeak(
  holds: (queriesPerSecond: number) => Promise<boolean | null>,
  { targetQps, tolerance, trials: most }: PeakSearch,
): Promise<Peak> {
  const trials: { queriesPerSecond: number; holds: boolean }[] = [];
  let low: number | null = null; // holds
  let high: number | null = null; // does not
  let rate = targetQps;
  while (trials.length < most) {
    const outcome = await holds(rate);
    if (outcome === null) break;
    trials.push({ queriesPerSecond: rate, holds: outcome });
    if (outcome) low = rate;
    else high = rate;
    if (low === null) rate /= 2;
    else if (high === null) rate *= 2;
    else if (high - low <= tolerance * low) break;
    else rate = (low + high) / 2;
  }
  return { queriesPerSecond: low, trials };
}
