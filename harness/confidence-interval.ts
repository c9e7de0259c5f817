/**
 * A 95 % interval for a mean over samples in clusters: value ± t × standard error, with Student's t for clusters - 1 degrees
 * of freedom. Miller 2024, arXiv 2411.00640. With few clusters t is wide, as it should be.
 */

/** `clusters` from 2 on. */
export function confidenceInterval(
  value: number,
  standardError: number,
  clusters: number,
): { readonly low: number; readonly high: number } {
  const margin = quantile(clusters - 1) * standardError;
  return { low: value - margin, high: value + margin };
}

const twoSided = 0.95;

/** The t that 95 % of Student's distribution lie within, found by halving: 100 halvings are more than a double holds. */
function quantile(freedom: number): number {
  let low = 1.9; // below the normal distribution's 1.96, which t never is
  let high = 13; // above one degree's 12.71
  for (let halving = 0; halving < 100; halving += 1) {
    const middle = (low + high) / 2;
    if (within(middle, freedom) < twoSided) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * The share of Student's distribution between -t and t: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3
 * (odd degrees of freedom) and 26.7.4 (even); angle = atan(t / sqrt(degrees)).
 */
function within(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const cosine = Math.cos(angle);
  const isOdd = freedom % 2 === 1;
  if (freedom === 1) return (2 / Math.PI) * angle;
  let term = isOdd ? cosine : 1;
  let sum = term;
  for (let power = isOdd ? 3 : 2; power <= freedom - 2; power += 2) {
    term *= ((power - 1) / power) * cosine * cosine;
    sum += term;
  }
  const scaled = Math.sin(angle) * sum;
  return isOdd ? (2 / Math.PI) * (angle + scaled) : scaled;
}
