/**
 * The two 16-bit float formats of checkpoints, widened to fp32 bit by bit: exact for every value, infinities, subnormal
 * numbers and the payload of NaNs included. And fp32 narrowed to the first, which rounds.
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

/** The largest finite float16. */
export const FLOAT16_MAX = 65504;

/** To the nearest float16, halves to the even one, as processors do; what is beyond the largest becomes an infinity. */
export function narrowFloat16(floats: Float32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(floats.length);
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  for (let i = 0; i < bits.length; i += 1) {
    const all = bits[i]!;
    const size = all & 0x7fffffff;
    const sign = (all >>> 16) & 0x8000;
    if (size > 0x7f800000)
      halves[i] = sign | 0x7e00; // not a number
    else if (size >= 0x47800000)
      halves[i] = sign | 0x7c00; // 2^16 or more
    else if (size >= 0x38800000) halves[i] = sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
    else halves[i] = sign | roundedSubnormal(Math.abs(floats[i]!));
  }
  return halves;
}

const half = new Float32Array(1);
const halfBits = new Uint32Array(half.buffer);

/** Below 2^-14 float16's step is 2^-24, which is fp32's between 0.5 and 1: adding 0.5 leaves the steps in the last bits. */
function roundedSubnormal(size: number): number {
  half[0] = size + 0.5;
  return halfBits[0]! - 0x3f000000;
}
