/** The clustered standard error, against numbers worked out by hand and against the usual formula. */
import assert from "node:assert/strict";
import { clusteredStandardError } from "../../tasks/metrics/standard-error.ts";

describe("clustered standard error", () => {
  it("is sqrt(G / (G - 1) * sum of squared cluster residuals) / n", () => {
    // mean 0.6; cluster residuals a: 0.4 + 0.4, b: -0.6, c: 0.4 - 0.6; squares 0.64 + 0.36 + 0.04 = 1.04; sqrt(1.5 * 1.04) / 5
    const error = clusteredStandardError([1, 1, 0, 1, 0], ["a", "a", "b", "c", "c"]);
    assert.ok(Math.abs((error ?? 0) - Math.sqrt(1.56) / 5) < 1e-15);
  });

  it("is the standard deviation over the root of n where every value is a cluster", () => {
    const values = [0.3, 1, 0, 0.6, 0.9];
    const mean = 0.56;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4;
    const error = clusteredStandardError(values, ["a", "b", "c", "d", "e"]);
    assert.ok(Math.abs((error ?? 0) - Math.sqrt(variance / 5)) < 1e-15);
  });

  it("grows with the clusters: the same values twice say nothing new", () => {
    const once = clusteredStandardError([1, 0, 1], ["a", "b", "c"]) ?? 0;
    const twice = clusteredStandardError([1, 1, 0, 0, 1, 1], ["a", "a", "b", "b", "c", "c"]) ?? 0;
    assert.ok(Math.abs(once - twice) < 1e-15);
  });

  it("takes clusters in any order", () => {
    const sorted = clusteredStandardError([1, 0.5, 0], ["a", "a", "b"]);
    assert.equal(clusteredStandardError([1, 0, 0.5], ["a", "b", "a"]), sorted);
  });

  it("is null where fewer than two clusters are left", () => {
    assert.equal(clusteredStandardError([], []), null);
    assert.equal(clusteredStandardError([1, 0], ["a", "a"]), null);
  });

  it("refuses values without a cluster", () => {
    assert.throws(() => clusteredStandardError([1, 0], ["a"]), {
      name: "RangeError",
      message: "standard error: 2 values in 1 clusters; give each value one",
    });
  });
});
