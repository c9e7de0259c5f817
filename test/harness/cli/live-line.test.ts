/** A line that is written over: what fits into a row, and what clears it. */
import assert from "node:assert/strict";
import stringWidth from "string-width";
import { clearing, cutToWidth } from "../../../harness/cli/live-line.ts";

describe("a line that is written over", () => {
  it("is cut so that it stays in its row", () => {
    assert.equal(cutToWidth("12 of 60 samples", 17), "12 of 60 samples");
    assert.equal(cutToWidth("12 of 60 samples", 16), "12 of 60 sampl…");
    assert.equal(cutToWidth("12 of 60 samples", undefined), "12 of 60 samples");
    assert.equal(cutToWidth("12 of 60 samples", 0), "12 of 60 samples", "a terminal that does not know its width");
    assert.equal(cutToWidth("ab", 1), "…");
  });

  it("counts wide characters twice, and marks that combine not at all", () => {
    assert.equal(cutToWidth("模型模型模型", 8), "模型模…");
    assert.equal(cutToWidth("👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 6), "👩‍👩‍👧‍👦👩‍👩‍👧‍👦…");
    assert.equal(cutToWidth("e\u0301e\u0301e\u0301e\u0301", 5), "e\u0301e\u0301e\u0301e\u0301");
    for (let columns = 2; columns < 20; columns += 1) {
      assert.ok(stringWidth(cutToWidth("a模b型👍c e\u0301 and more of it", columns)) < columns);
    }
  });

  it("is cleared by as many rows as it takes where the terminal has become narrower", () => {
    assert.equal(clearing("", 80), "\r\u001b[2K");
    assert.equal(clearing("x".repeat(79), 80), "\r\u001b[2K");
    assert.equal(clearing("x".repeat(79), 30), "\r\u001b[2K\u001b[1A\r\u001b[2K\u001b[1A\r\u001b[2K");
    assert.equal(clearing("模".repeat(20), 30), "\r\u001b[2K\u001b[1A\r\u001b[2K");
    assert.equal(clearing("x".repeat(79), undefined), "\r\u001b[2K");
  });
});
