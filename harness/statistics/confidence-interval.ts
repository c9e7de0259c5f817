/**
 * A 95 % interval for a mean over samples in clusters: value ± t × standard error, with Student's t for clusters - 1 degrees
 * of freedom. Miller 2024, arXiv 2411.00640. With few clusters t is wide, as it should be.
 */
import { exactShareInterval } from "./distributions.ts";
import { studentInterval } from "./paired-mean.ts";
import type { Interval } from "./paired-mean.ts";

const confidence = 0.95;

/** `clusters` from 2 on. */
export function confidenceInterval(value: number, standardError: number, clusters: number): Interval {
  return studentInterval(value, standardError, { clusters, confidence });
}

/**
 * 95 % interval of a share, which ends at 0 and 1. Where every sample scores 0, or every one 1, the standard error is 0 and says
 * nothing: then the interval is the exact one of so many independent clusters all of which agree (Clopper and Pearson 1934),
 * one image counting once however many samples it has.
 */
export function shareInterval(value: number, standardError: number, clusters: number): Interval {
  if (standardError === 0 && (value === 0 || value === 1)) {
    return exactShareInterval(value * clusters, clusters, confidence);
  }
  const { low, high } = confidenceInterval(value, standardError, clusters);
  return { low: Math.max(0, low), high: Math.min(1, high) };
}
