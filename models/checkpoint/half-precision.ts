/**
 * The two 16-bit float formats of checkpoints, widened to fp32 bit by bit: exact for every value, infinities, subnormal
 * numbers and the payload of NaNs included.
 *
 *              sign  exponent  fraction
 *   float32    1     8         23
 *   float16    1     5         10        IEEE 754 binary16
 *   bfloat16   1     8         7         the upper half of a float32
 */

/** `halves` holds the bit patterns. */
export function widenBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i += 1) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** `halves` holds the bit patterns. */
export function widenFloat16(halves: Uint16Array): Float32Array {
  const table = (float16Bits ??= Uint32Array.from({ length: 0x10000 }, (_, half) => float16ToFloat32Bits(half)));
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i += 1) bits[i] = table[halves[i]!]!;
  return new Float32Array(bits.buffer);
}

/** The float32 of every float16, made on first use. */
let float16Bits: Uint32Array | undefined;

function float16ToFloat32Bits(half: number): number {
  const sign = (half & 0x8000) * 0x10000;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign + 0x7f800000 + fraction * 0x2000; // infinity, NaN
  if (exponent > 0) return sign + (exponent + 112) * 0x800000 + fraction * 0x2000; // 112: 127 - 15, the biases
  if (fraction === 0) return sign; // zero
  const shift = Math.clz32(fraction) - 21; // subnormal: fraction × 2^-24, normalised
  return sign + (113 - shift) * 0x800000 + ((fraction << shift) & 0x3ff) * 0x2000;
}
