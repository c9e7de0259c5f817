/** Distributions that tests and intervals are read off: normal, Student's t, binomial, chi-square with one degree. */
import { incompleteBeta, inverseIncompleteBeta } from "./incomplete-beta.ts";

/** The share of the standard normal distribution below z: half of erfc(-z / √2), from the incomplete gamma function. */
export function normalCdf(z: number): number {
  const tail = 0.5 * upperGammaHalf((z * z) / 2);
  return z > 0 ? 1 - tail : tail;
}

/** The z below which the share p of the standard normal distribution lies; ±Infinity for p 1 and 0. */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`normal quantile: found p ${p}, expected 0 to 1`);
  if (p === 0 || p === 1) return p === 0 ? -Infinity : Infinity;
  if (p === 0.5) return 0;
  if (p > 0.5) return -normalQuantile(1 - p);
  return halved((z) => normalCdf(z) < p, { low: -39, high: 0 }); // below -38.6 a double's share is 0
}

/** The share of Student's distribution below t, for `freedom` > 0 degrees, not necessarily a whole number of them. */
export function studentCdf(t: number, freedom: number): number {
  if (t === 0) return 0.5;
  const square = t * t;
  // DLMF 8.17 with x = freedom / (freedom + t²); both x and 1 - x are known without a difference.
  const tail = 0.5 * incompleteBeta(freedom / 2, 0.5, freedom / (freedom + square), square / (freedom + square));
  return t > 0 ? 1 - tail : tail;
}

/** The t below which the share p of Student's distribution lies; ±Infinity for p 1 and 0. */
export function studentQuantile(p: number, freedom: number): number {
  if (!(p >= 0 && p <= 1 && freedom > 0)) {
    throw new RangeError(`Student quantile: found p ${p}, degrees ${freedom}; expected p in 0 to 1, degrees > 0`);
  }
  if (p === 0 || p === 1) return p === 0 ? -Infinity : Infinity;
  if (p === 0.5) return 0;
  if (p > 0.5) return -studentQuantile(1 - p, freedom);
  let low = -2;
  while (studentCdf(low, freedom) > p) low *= 2;
  return halved((t) => studentCdf(t, freedom) < p, { low, high: 0 });
}

/** The probability of at most k successes in n trials. */
export function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  if (k >= n) return 1;
  return incompleteBeta(n - Math.floor(k), Math.floor(k) + 1, 1 - p, p);
}

/** The probability of exactly k successes in n trials. */
export function binomialPoint(k: number, n: number, p: number): number {
  return k < 0 || k > n ? 0 : binomialCdf(k, n, p) - binomialCdf(k - 1, n, p);
}

/** The share of the chi-square distribution with one degree of freedom above x. */
export function chiSquareTail(x: number): number {
  return upperGammaHalf(x / 2);
}

/**
 * The exact interval of a share of `successes` in `trials` (Clopper and Pearson 1934), not narrower than its name, at 0 and 1
 * too.
 */
export function exactShareInterval(
  successes: number,
  trials: number,
  confidence: number,
): { readonly low: number; readonly high: number } {
  const tail = (1 - confidence) / 2;
  return {
    low: successes === 0 ? 0 : inverseIncompleteBeta(successes, trials - successes + 1, tail),
    high: successes === trials ? 1 : inverseIncompleteBeta(successes + 1, trials - successes, 1 - tail),
  };
}

/** Q(1/2, x) = erfc(√x): a series below 1.5 (DLMF 8.7.1), a continued fraction from there (8.9.2, Lentz). */
function upperGammaHalf(x: number): number {
  if (x <= 0) return 1;
  if (x < 1.5) {
    let term = 2;
    let sum = term;
    for (let n = 1; n < 100 && term > sum * 1e-17; n += 1) {
      term *= x / (n + 0.5);
      sum += term;
    }
    return 1 - (sum * Math.sqrt(x) * Math.exp(-x)) / rootPi;
  }
  let b = x + 0.5;
  let c = Infinity;
  let d = 1 / b;
  let value = d;
  for (let n = 1; n < 500; n += 1) {
    const a = -n * (n - 0.5);
    b += 2;
    d = 1 / (a * d + b);
    c = b + a / c;
    const step = c * d;
    value *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return (value * Math.sqrt(x) * Math.exp(-x)) / rootPi;
}

const rootPi = Math.sqrt(Math.PI);

/** Where `isBelow` turns false between two numbers. */
function halved(isBelow: (value: number) => boolean, { low, high }: { low: number; high: number }): number {
  for (let halving = 0; halving < 200; halving += 1) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break; // no double between them
    if (isBelow(middle)) low = middle;
    else high = middle;
  }
  return high;
}
