/** Quantized matrices against the plain way: one number after the other, as the formats are defined. */
import assert from "node:assert/strict";
import { BLOCK_SIZE, quantizeBlocks, quantizeChannels } from "../../../models/checkpoint/quantize.ts";
import { testMatrix } from "../../support/test-matrix.ts";

const nearest = (value: number): number => {
  const below = Math.floor(value);
  const fraction = value - below;
  if (fraction === 0.5) return below % 2 === 0 ? below : below + 1;
  return fraction < 0.5 ? below : below + 1;
};

const clamped = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

describe("quantized channels", () => {
  for (const { to, from, parts } of [
    { to: 6, from: 5, parts: 3 },
    { to: 70, from: 33, parts: 1 },
    { to: 96, from: 64, parts: 3 },
  ]) {
    it(`are a scale a row and the rows turned, [${to}, ${from}] in ${parts}`, () => {
      const w = testMatrix(to * from);
      const { values, scales } = quantizeChannels(w, { to, from, parts });
      const columns = to / parts;
      for (let row = 0; row < to; row += 1) {
        const own = w.subarray(row * from, (row + 1) * from);
        const scale = Math.fround(Math.max(...own.map(Math.abs)) / 127);
        assert.equal(scales[row], scale);
        for (const [k, value] of own.entries()) {
          const part = Math.floor(row / columns);
          const found = values[part * columns * from + k * columns + (row % columns)];
          assert.equal(found, clamped(nearest(value * (1 / scale)), -127, 127), `row ${row}, ${k}`);
          assert.ok(Math.abs(found * scale - value) <= scale * 0.51, "half a step at most");
        }
      }
    });
  }

  it("hold rows of zeros, and numbers so small that their scale is rounded", () => {
    const w = Float32Array.of(0, 0, 1e-43, -1e-43, 3, -0);
    const { values, scales } = quantizeChannels(w, { to: 3, from: 2, parts: 1 });
    assert.deepEqual([...values], [0, 71, 127, 0, -71, 0]);
    assert.equal(scales[0], 0);
    assert.ok([...scales].every((scale) => scale >= 0));
  });

  for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    it(`give a row with ${odd} a scale that is not finite`, () => {
      const { scales } = quantizeChannels(Float32Array.of(1, odd, 1, 2), { to: 2, from: 2, parts: 1 });
      assert.deepEqual([...scales].map(Number.isFinite), [false, true]);
    });
  }
});

describe("quantized blocks", () => {
  for (const bits of [4, 8] as const) {
    const zero = 2 ** (bits - 1);

    it(`of ${bits} bits are a scale for 32 neighbours, which puts the farthest from zero at 0`, () => {
      const w = testMatrix(10 * BLOCK_SIZE);
      const { values, scales } = quantizeBlocks(w, bits);
      for (const [block, scale] of scales.entries()) {
        const own = [...w.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE)];
        const farthest = own.reduce((far, value) => (Math.abs(value) > Math.abs(far) ? value : far), 0);
        assert.equal(scale, Math.fround(farthest / -zero));
        for (const [i, value] of own.entries()) {
          const at = block * BLOCK_SIZE + i;
          const found = bits === 8 ? values[at]! : (values[at >> 1]! >> (at % 2 === 0 ? 0 : 4)) & 15;
          assert.equal(found, clamped(nearest(value * (1 / scale)) + zero, 0, 2 * zero - 1), `block ${block}, ${i}`);
          // The other side of zero has a step less: what is as far out there is cut by one.
          assert.ok(Math.abs((found - zero) * scale - value) <= Math.abs(scale) * 1.01);
        }
        assert.ok(own.indexOf(farthest) >= 0);
      }
    });

    it(`of ${bits} bits hold zeros, and give what is not finite a scale that is not`, () => {
      const w = new Float32Array(3 * BLOCK_SIZE);
      w[BLOCK_SIZE] = Number.NaN;
      w[2 * BLOCK_SIZE + 5] = Number.NEGATIVE_INFINITY;
      const { values, scales } = quantizeBlocks(w, bits);
      assert.deepEqual([...scales].map(Number.isFinite), [true, false, false]);
      const stored = bits === 8 ? 128 : 0x88;
      assert.ok(values.subarray(0, (BLOCK_SIZE * bits) / 8).every((value) => value === stored));
    });
  }
});
