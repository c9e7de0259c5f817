/** The heap against sorting. */
import assert from "node:assert/strict";
import { Heap } from "../../../models/generation/heap.ts";

describe("a heap", () => {
  it("gives its values in order, whatever comes and goes", () => {
    let state = 7;
    const next = (): number => (state = (state * 48271) % 2147483647) % 50;
    for (const count of [0, 1, 2, 3, 10, 200]) {
      const values = Array.from({ length: count }, next);
      const heap = new Heap<number>((a, b) => a < b);
      for (const value of values) heap.add(value);
      for (let round = 0; round < count; round += 1) {
        values.sort((a, b) => a - b);
        assert.equal(heap.first, values[0]);
        const value = round % 3 === 0 ? next() : null;
        heap.replaceFirst(value);
        values.shift();
        if (value !== null) values.push(value);
      }
      values.sort((a, b) => a - b);
      for (const value of values) {
        assert.equal(heap.first, value);
        heap.replaceFirst(null);
      }
      assert.equal(heap.first, null);
    }
  });
});
