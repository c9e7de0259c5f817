/** What a comparison could have shown, and how large it would have to be. Normal approximation; Miller 2024, section 5. */
import { normalQuantile } from "./distributions.ts";

export interface PowerOptions {
  /** Of the two-sided test; 0.05. */
  readonly level?: number;
  /** The chance to see a difference that is there; 0.8. */
  readonly power?: number;
}

/**
 * The smallest true difference that a two-sided test finds with the given power: (z(1 - level / 2) + z(power)) × standard
 * error, 2.802 standard errors as a rule. null where nothing differed, so nothing is known of how differences scatter.
 */
export function detectableDifference(
  standardError: number | null,
  { level = 0.05, power = 0.8 }: PowerOptions = {},
): number | null {
  if (standardError === null || standardError === 0) return null;
  return (normalQuantile(1 - level / 2) + normalQuantile(power)) * standardError;
}

/** Samples, clustered as these are, for which `difference` would be the smallest detectable one. */
export function samplesToDetect(
  difference: number,
  { standardError, samples, ...options }: { readonly standardError: number; readonly samples: number } & PowerOptions,
): number {
  const detectable = detectableDifference(standardError, options) ?? 0;
  return Math.ceil(samples * (detectable / difference) ** 2);
}
