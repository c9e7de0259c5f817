/** Masks are added to attention scores: 0 where a token sees a key, and where it does not, what is below. */

/** The lowest float, as in the reference, never -infinity: a row that sees nothing must not become not-a-number. */
export const MASKED = -3.4028234663852886e38;

/** Rows of tokens filled up on the right to the longest: [rows, longest] */
export function paddingMask(lengths: readonly number[]): Float32Array {
  const longest = Math.max(...lengths);
  const mask = new Float32Array(lengths.length * longest).fill(MASKED);
  for (const [row, length] of lengths.entries()) mask.fill(0, row * longest, row * longest + length);
  return mask;
}
