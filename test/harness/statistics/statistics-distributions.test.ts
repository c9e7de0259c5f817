/** harness/statistics against SciPy's distributions. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import {
  binomialCdf,
  chiSquareTail,
  exactShareInterval,
  normalCdf,
  normalQuantile,
  studentCdf,
  studentQuantile,
} from "../../../harness/statistics/distributions.ts";
import { incompleteBeta, inverseIncompleteBeta } from "../../../harness/statistics/incomplete-beta.ts";
import { projectRoot } from "../../support/project.ts";

const text = readFileSync(join(projectRoot, "test/fixtures/statistics/distributions.json"), "utf8");
const expected = z.record(z.string(), z.array(z.array(z.number()))).parse(JSON.parse(text));

/** Each row: arguments, then the value. 1e-12: what is left of 16 digits after logarithms of numbers up to 100,000. */
function check(name: string, given: (...values: number[]) => number, tolerance = 1e-12): void {
  const rows = expected[name] ?? [];
  assert.ok(rows.length > 0, name);
  for (const row of rows) {
    const value = row.at(-1) ?? NaN;
    const found = given(...row.slice(0, -1));
    const error = Math.abs(found - value) / Math.max(Math.abs(value), 1e-300);
    assert.ok(value === found || error <= tolerance, `${name}(${row.slice(0, -1).join(", ")}): ${found}, not ${value}`);
  }
}

describe("statistics: distributions", () => {
  it("the incomplete beta function is SciPy's, for small and for large parameters", () => {
    check("beta", incompleteBeta, 1e-11); // SciPy itself agrees with more digits to about 1e-12 here
  });
  it("its inverse too", () => {
    check("inverse", inverseIncompleteBeta);
  });
  it("the incomplete beta function refuses what has no value", () => {
    assert.throws(() => incompleteBeta(0, 1, 0.5), /found a 0, b 1, x 0.5; expected a, b > 0 and x in 0 to 1/);
    assert.throws(() => incompleteBeta(1, 1, NaN), RangeError);
    assert.throws(() => inverseIncompleteBeta(1, 1, 1.5), /found p 1.5, expected 0 to 1/);
  });
  it("the normal distribution is, far out too", () => {
    check("normal", normalCdf);
    check("normalQuantile", normalQuantile);
    assert.equal(normalQuantile(0), -Infinity);
    assert.equal(normalQuantile(1), Infinity);
  });
  it("Student's distribution is, with fractional degrees of freedom too", () => {
    check("student", studentCdf);
    check("studentQuantile", studentQuantile);
    assert.equal(studentQuantile(0.5, 3), 0);
  });
  it("the binomial distribution is", () => {
    check("binomial", binomialCdf);
    assert.equal(binomialCdf(-1, 5, 0.5), 0);
  });
  it("the chi-square tail is", () => {
    check("chiSquare", chiSquareTail);
  });
  it("the exact interval of a share is, at 0 and at 1 too", () => {
    for (const [k = 0, n = 0, low = 0, high = 0] of expected["share"] ?? []) {
      const found = exactShareInterval(k, n, 0.95);
      assert.ok(Math.abs(found.low - low) < 1e-10 && Math.abs(found.high - high) < 1e-10, `${k} of ${n}`);
    }
  });
});
