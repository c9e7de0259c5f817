/**
 * Non-inferiority: is the candidate not worse than the base by more than a margin? "No significant difference" is no pass: the
 * data must exclude the margin. Piaggio et al. 2012, the CONSORT extension for such trials.
 *
 *   pass           the one-sided 95 % lower bound of candidate - base lies above -margin
 *   fail           the one-sided 95 % upper bound lies below -margin; or the 95 % interval lies below 0 and the difference
 *                  below -margin
 *   inconclusive   neither: `samplesNeeded` would probably decide
 */
import { normalQuantile } from "./distributions.ts";
import type { Interval } from "./paired-mean.ts";

export interface Measured {
  /** candidate - base, turned so that more is better. */
  readonly difference: number;
  /** null: one cluster. */
  readonly standardError: number | null;
  /** The two-sided 95 % interval; null: none could be made. */
  readonly interval: Interval | null;
  /** One-sided 95 % bounds, the ends of the two-sided 90 % interval. */
  readonly bounds: Interval | null;
  readonly samples: number;
}

export interface Decision {
  readonly verdict: "pass" | "fail" | "inconclusive";
  /** Of an inconclusive one; null where no number of samples would do, the difference being the margin itself. */
  readonly samplesNeeded: number | null;
}

/** Turns a measurement of what is better when less into one of what is better when more. */
export function turned({ difference, interval, bounds, ...rest }: Measured): Measured {
  const turn = (ends: Interval | null): Interval | null =>
    ends === null ? null : { low: -ends.high, high: -ends.low };
  return { ...rest, difference: -difference, interval: turn(interval), bounds: turn(bounds) };
}

/** @param margin 0 or more, in the unit of the difference. @throws RangeError for a negative one, or none. */
export function nonInferiority(measured: Measured, margin: number): Decision {
  if (!(margin >= 0 && margin < Infinity)) throw new RangeError(`margin: found ${margin}, expected 0 or more`);
  const { difference, interval, bounds } = measured;
  if (bounds !== null && bounds.low > -margin) return { verdict: "pass", samplesNeeded: null };
  const isBelow = bounds !== null && bounds.high < -margin;
  const isWorse = interval !== null && interval.high < 0 && difference < -margin;
  if (isBelow || isWorse) return { verdict: "fail", samplesNeeded: null };
  return { verdict: "inconclusive", samplesNeeded: samplesToDecide(measured, margin) };
}

const power = 0.8; // that of the detectable difference

/** So many that the bound would clear the margin with 80 % power, were the measured difference the true one. */
function samplesToDecide({ difference, standardError, samples }: Measured, margin: number): number | null {
  const distance = Math.abs(difference + margin);
  if (distance === 0 || standardError === null || standardError === 0) return null;
  const errors = normalQuantile(0.95) + normalQuantile(power);
  return Math.ceil(samples * ((errors * standardError) / distance) ** 2);
}
