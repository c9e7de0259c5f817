/**
 * The regularised incomplete beta function I_x(a, b): the share below x of the beta distribution. Student's t, the binomial
 * tail and intervals for shares and percentiles are all read off it. NIST Digital Library of Mathematical Functions, 8.17.
 */

/** ln Γ(x) for x > 0: Stirling's series (DLMF 5.11.1) from 10 on, below it by Γ(x + 1) = x Γ(x). */
export function logGamma(x: number): number {
  let below = 1;
  let from = x;
  for (; from < 10; from += 1) below *= from;
  return (from - 0.5) * Math.log(from) - from + halfLogTwoPi + stirlingRest(from) - Math.log(below);
}

const halfLogTwoPi = 0.5 * Math.log(2 * Math.PI);

/** ln Γ(x) less Stirling's formula, for x from 10 on: its coefficients are B(2k) / (2k (2k - 1)), B the Bernoulli numbers. */
function stirlingRest(x: number): number {
  const y = 1 / (x * x);
  return (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y * (1 / 1188 - y * (691 / 360360)))))) / x;
}

/**
 * I_x(a, b), 0 to 1, for a, b > 0 and 0 <= x <= 1, to about 13 digits.
 *
 * @param rest 1 - x, where it is known better than the difference says.
 * @throws RangeError for arguments outside their ranges.
 */
export function incompleteBeta(a: number, b: number, x: number, rest: number = 1 - x): number {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) {
    throw new RangeError(`incomplete beta: found a ${a}, b ${b}, x ${x}; expected a, b > 0 and x in 0 to 1`);
  }
  if (x === 0 || rest === 1) return 0;
  if (x === 1 || rest === 0) return 1;
  // The fraction converges fast below the mean; above it, I_x(a, b) = 1 - I_(1-x)(b, a): DLMF 8.17.4.
  return x <= (a + 1) / (a + b + 2)
    ? (powers(a, b, x, rest) * continuedFraction(a, b, x)) / a
    : 1 - (powers(b, a, rest, x) * continuedFraction(b, a, rest)) / b;
}

/** The x below which the share p lies, by halving: 0 for p 0, 1 for p 1. */
export function inverseIncompleteBeta(a: number, b: number, p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`inverse incomplete beta: found p ${p}, expected 0 to 1`);
  if (p === 0 || p === 1) return p;
  let low = 0;
  let high = 1;
  for (let halving = 0; halving < 1100; halving += 1) {
    const middle = (low + high) / 2; // down to the smallest double, 2 ** -1074
    if (middle <= low || middle >= high) break;
    if (incompleteBeta(a, b, middle) < p) low = middle;
    else high = middle;
  }
  return high;
}

/** x ** a * (1 - x) ** b / B(a, b). Where both factors and B are tiny, their logarithms must not be subtracted as they are. */
function powers(a: number, b: number, x: number, rest: number): number {
  if (a < 10 && b < 10) {
    return Math.exp(a * Math.log(x) + b * Math.log(rest) + logGamma(a + b) - logGamma(a) - logGamma(b));
  }
  if (a < 10) return powers(b, a, rest, x);
  const sum = a + b;
  if (b < 10) {
    const logOfX = x > 0.5 ? Math.log1p(-rest) : Math.log(x);
    // Γ(a + b) / Γ(a) by Stirling's formula, its large terms taken together.
    const ratio = b * Math.log(sum) - b - (a - 0.5) * Math.log1p(-b / sum) + stirlingRest(sum) - stirlingRest(a);
    return Math.exp(a * logOfX + b * Math.log(rest) + ratio - logGamma(b));
  }
  const corrections = stirlingRest(sum) - stirlingRest(a) - stirlingRest(b);
  const distance = x * sum - a; // from the mean; its rounding error all but cancels between the two terms
  return (
    Math.exp(a * Math.log1p(distance / a) + b * Math.log1p(-distance / b) + corrections) *
    Math.sqrt((a * b) / (2 * Math.PI * sum))
  );
}

const tiny = 1e-300; // stands for 0 where it would be divided by
const precision = 1e-16;

/** DLMF 8.17.22, its even and odd terms, by the modified Lentz method (Thompson and Barnett 1986). */
function continuedFraction(a: number, b: number, x: number): number {
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let value = d;
  const most = 1000 + 20 * Math.sqrt(a + b); // steps grow as the root of the larger
  for (let m = 1; m < most; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const step = d * c;
    value *= step;
    if (Math.abs(step - 1) <= precision) break;
  }
  return value;
}

function away(value: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}
