/**
 * Formats numbers as text. All numbers that people see are rounded here: plain digits for output of commands, digits in
 * groups of three (`1,230`) for reports. Scores of metrics: metric-numbers.ts.
 */

/** Shown in place of a missing number. */
export const noNumber = "-";

/** A number with `digits` decimals, in groups of three: 1,230.50. */
export function grouped(value: number, digits = 0): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Three significant digits, in groups of three: 0.0123, 1.23, 12.3, 1,230. */
export function figureText(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return grouped(value, Math.min(digits, 6));
}

/** Three significant digits, but no fewer than stand before the point: 0.0123, 1.23, 12.3, 1230. */
export function threeDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** A number with the ends of its interval, if there is one: `12.3 (11.9 to 12.8)`. */
export function withRange(
  { value, low, high }: { readonly value: number; readonly low: number | null; readonly high: number | null },
  textOf: (value: number) => string,
): string {
  return low === null || high === null ? textOf(value) : `${textOf(value)} (${rangeText(low, high, textOf)})`;
}

export function rangeText(low: number, high: number, textOf: (value: number) => string): string {
  return `${textOf(low)} to ${textOf(high)}`;
}

/** `digits` with a sign in front; a number that rounds to 0 has none. */
export function withSign(value: number, digits: string, minus = "-"): string {
  if (Number(digits) === 0) return digits;
  return `${value > 0 ? "+" : minus}${digits}`;
}

/** A fraction in percent: `12.3 %`. */
export function percentText(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A probability from a model, which is never exactly 0: `< 0.1 %`, `12.3 %`. */
export function likelihoodText(probability: number): string {
  return probability > 0 && probability < 0.001 ? "< 0.1 %" : percentText(probability);
}

/** A p-value with four decimals, the resolution of 10,000 permutations. `below` stands in front of smaller values. */
export function pValueText(value: number, below = "<"): string {
  return value < 0.0001 ? `${below}0.0001` : value.toFixed(4);
}

/** A size in MB, without the unit; with one decimal below ten. */
export function megabytesText(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

export function gigabytesText(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
