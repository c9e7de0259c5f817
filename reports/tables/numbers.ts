/**
 * Numbers → text. Everything that people are shown is rounded here: plain digits for a terminal and its Markdown, digits in
 * groups of three (`1,230`) for the page, its charts and its Markdown. Scores of metrics: metric-numbers.ts.
 */

/** What a terminal shows where there is no number. */
export const noNumber = "-";

/** `digits` behind the point, in groups of three: 1,230.50. */
export function grouped(value: number, digits = 0): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Three digits that count, in groups of three: 0.0123, 1.23, 12.3, 1,230. */
export function figureText(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return grouped(value, Math.min(digits, 6));
}

/** Three digits, or all before the point: 0.0123, 1.23, 12.3, 1230. */
export function threeDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** `12.3 (11.9 to 12.8)`: a number, and the ends of its interval where there is one. */
export function withRange(
  { value, low, high }: { readonly value: number; readonly low: number | null; readonly high: number | null },
  textOf: (value: number) => string,
): string {
  return low === null || high === null ? textOf(value) : `${textOf(value)} (${rangeText(low, high, textOf)})`;
}

export function rangeText(low: number, high: number, textOf: (value: number) => string): string {
  return `${textOf(low)} to ${textOf(high)}`;
}

/** `digits` with a sign before it; what rounds to 0 has none. */
export function withSign(value: number, digits: string, minus = "-"): string {
  if (Number(digits) === 0) return digits;
  return `${value > 0 ? "+" : minus}${digits}`;
}

/** A share of 1: `12.3 %`. */
export function percentText(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A probability from a model, which is never quite 0: `< 0.1 %`, `12.3 %`. */
export function likelihoodText(probability: number): string {
  return probability > 0 && probability < 0.001 ? "< 0.1 %" : percentText(probability);
}

/** Of a test, to four digits: what 10,000 permutations can tell. `below` stands before the smallest. */
export function pValueText(value: number, below = "<"): string {
  return value < 0.0001 ? `${below}0.0001` : value.toFixed(4);
}

/** In millions of bytes, without the unit; one digit behind the point below ten. */
export function megabytesText(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

export function gigabytesText(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
