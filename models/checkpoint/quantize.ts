/**
 * A matrix W [to, from] of fp32 → integers and scales, as ONNX Runtime's operators take them. Both ways are symmetric: 0 stays
 * 0, and there are no zero points to store.
 *
 *   channels   DynamicQuantizeMatMul: a scale a row of W, W ≈ scale · q, q int8 from -127 to 127
 *   blocks     MatMulNBits: a scale for 32 neighbours of a row, W ≈ scale · (q - 2^(bits - 1)), q of 4 or 8 bits
 */

/** Neighbours that share a scale: the smallest that MatMulNBits has a fast kernel for, and the most exact. */
export const BLOCK_SIZE = 32;
/** Elements a side of the square that is turned at once: it fits the processor's nearest cache. */
const TILE = 32;

export interface QuantizedChannels {
  /** [parts, from, to / parts]: each part lies with its rows as columns, as the operator reads it. */
  readonly values: Int8Array<ArrayBuffer>;
  /** [to] */
  readonly scales: Float32Array<ArrayBuffer>;
}

export interface QuantizedBlocks {
  /** [to, from / 32, 32 · bits / 8]; of two 4-bit numbers in a byte the first is the low one. */
  readonly values: Uint8Array<ArrayBuffer>;
  /** [to, from / 32] */
  readonly scales: Float32Array<ArrayBuffer>;
}

/** W's length must be to · from, and `to` a multiple of `parts`. A row with a number that is not finite gets such a scale. */
export function quantizeChannels(
  w: Float32Array,
  { to, from, parts }: { readonly to: number; readonly from: number; readonly parts: number },
): QuantizedChannels {
  const scales = new Float32Array(to);
  const inverse = new Float64Array(to);
  for (let row = 0; row < to; row += 1) {
    const largest = Math.abs(extreme(w, row * from, (row + 1) * from));
    scales[row] = largest / 127;
    inverse[row] = scales[row] === 0 ? 0 : 1 / scales[row]!;
  }

  const values = new Int8Array(w.length);
  const columns = to / parts;
  for (let part = 0; part < parts; part += 1) {
    const start = part * columns;
    for (let rows = 0; rows < columns; rows += TILE) {
      const lastRow = Math.min(rows + TILE, columns);
      for (let tile = 0; tile < from; tile += TILE) {
        const last = Math.min(tile + TILE, from);
        for (let row = rows; row < lastRow; row += 1) {
          const scale = inverse[start + row]!;
          const source = (start + row) * from;
          const target = start * from + row;
          for (let k = tile; k < last; k += 1) {
            const q = roundToEven(w[source + k]! * scale);
            values[target + k * columns] = q > 127 ? 127 : q < -127 ? -127 : q; // only tiny scales, themselves rounded
          }
        }
      }
    }
  }
  return { values, scales };
}

/** W's length must be a multiple of 32, and so must its rows'. A block with a number that is not finite gets such a scale. */
export function quantizeBlocks(w: Float32Array, bits: 4 | 8): QuantizedBlocks {
  const blocks = w.length / BLOCK_SIZE;
  const scales = new Float32Array(blocks);
  const values = new Uint8Array((w.length * bits) / 8);
  const zero = 2 ** (bits - 1);
  for (let block = 0; block < blocks; block += 1) {
    const start = block * BLOCK_SIZE;
    // There is one more number below zero than above: the scale's sign puts the extreme number there, exactly.
    const scale = Math.fround(extreme(w, start, start + BLOCK_SIZE) / -zero);
    const inverse = scale === 0 ? 0 : 1 / scale;
    scales[block] = scale;
    if (bits === 8) {
      for (let i = start; i < start + BLOCK_SIZE; i += 1) values[i] = shifted(w[i]! * inverse, zero);
    } else {
      for (let i = start; i < start + BLOCK_SIZE; i += 2) {
        values[i >> 1] = shifted(w[i]! * inverse, zero) | (shifted(w[i + 1]! * inverse, zero) << 4);
      }
    }
  }
  return { values, scales };
}

/** The number farthest from zero, with its sign; NaN where one is. */
function extreme(w: Float32Array, begin: number, end: number): number {
  let [least, most] = [0, 0];
  for (let i = begin; i < end; i += 1) {
    const value = w[i]!;
    if (value < least) least = value;
    else if (value > most) most = value;
    else if (Number.isNaN(value)) return Number.NaN;
  }
  return -least > most ? least : most;
}

/** 1.5 · 2^52: a number of up to 51 bits added to it has no bits left for a fraction, and is rounded as it goes. */
const ROUNDER = 6755399441055744;

/** To the nearest integer, halves to the even one, as the processor's own instruction. Several times as fast as Math.round. */
function roundToEven(value: number): number {
  return value + ROUNDER - ROUNDER;
}

function shifted(value: number, zero: number): number {
  const q = roundToEven(value) + zero;
  return q > 2 * zero - 1 ? 2 * zero - 1 : q < 0 ? 0 : q;
}
