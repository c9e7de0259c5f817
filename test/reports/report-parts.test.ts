/** The parts of a report by hand: the front, the axes, the labels, the marks of each format. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readChecksums, recordChecksums } from "../../reports/records/checksums.ts";
import { placeLabels } from "../../reports/charts/labels.ts";
import { scaleOf, tickText } from "../../reports/charts/scale.ts";
import { chartToSvg } from "../../reports/charts/svg.ts";
import { jsonForScript, markup } from "../../reports/markup.ts";
import { curveOf, distributionOf, Values } from "../../reports/report/distribution.ts";
import { paretoFront } from "../../reports/report/pareto.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

describe("the Pareto front", () => {
  const front = (...points: readonly (readonly [number, number])[]): readonly boolean[] =>
    paretoFront(points.map(([speed, score]) => ({ speed, score })));

  it("is what no other point beats in one without losing in the other", () => {
    assert.deepEqual(front([1, 5], [2, 4], [1.5, 3], [3, 1]), [true, true, false, true]);
  });

  it("has equal points on it together, and of equal scores the fastest", () => {
    assert.deepEqual(front([1, 1], [1, 1]), [true, true]);
    assert.deepEqual(front([1, 1], [2, 1]), [false, true]);
    assert.deepEqual(front([1, 1]), [true]);
  });
});

describe("an axis", () => {
  const axis = { title: "", scale: "linear", fromZero: false } as const;

  it("begins and ends at round numbers around its values", () => {
    const { min, max, ticks } = scaleOf(axis, [50.8, 93.9]);
    assert.deepEqual([min, max, ticks], [50, 100, [50, 60, 70, 80, 90, 100]]);
    assert.deepEqual(scaleOf({ ...axis, fromZero: true }, [3.1]).ticks, [0, 1, 2, 3, 4]);
  });

  it("is logarithmic over a wide range only", () => {
    const log = { ...axis, scale: "log" } as const;
    assert.deepEqual(scaleOf(log, [1.2, 90]).ticks, [1, 2, 5, 10, 20, 50, 100]);
    assert.equal(scaleOf(log, [10, 20]).kind, "linear");
    assert.ok(Math.abs(scaleOf(log, [1, 100]).at(10) - 0.5) < 1e-12);
  });

  it("holds for one value, for none, and for what is no number", () => {
    assert.ok(scaleOf(axis, [5]).at(5) >= 0);
    assert.deepEqual(scaleOf(axis, []).ticks.at(-1), 1);
    assert.ok(Number.isFinite(scaleOf(axis, [Number.NaN, 2]).at(2)));
    assert.deepEqual([tickText(0.30000000000000004), tickText(20000)], ["0.3", "20,000"]);
  });
});

describe("labels of points", () => {
  it("cover neither each other nor a point, while there is room", () => {
    const points = [0, 4, 8, 12].map((offset) => ({ x: 200 + offset, y: 100 + offset, width: 80 }));
    const placed = placeLabels(points, { left: 0, right: 500, top: 0, bottom: 300 });
    const boxes = placed.map(({ x, y, isAtLeft }) => ({ left: isAtLeft ? x - 80 : x, top: y - 11, bottom: y + 3 }));
    for (const [index, a] of boxes.entries()) {
      for (const b of boxes.slice(index + 1)) {
        assert.ok(a.left + 80 <= b.left || b.left + 80 <= a.left || a.bottom <= b.top || b.bottom <= a.top);
      }
    }
  });
});

describe("times", () => {
  it("become their nearest-rank percentiles and a curve from the least to the most", () => {
    const values = new Values();
    for (let value = 1; value <= 2000; value += 1) values.add(2001 - value);
    const sorted = values.sorted();
    const { mean, percentiles, count } = distributionOf(sorted)!;
    assert.deepEqual([count, mean], [2000, 1000.5]);
    assert.deepEqual(
      Object.values(percentiles).map(({ value }) => value),
      [1000, 1800, 1900, 1980],
    );
    const curve = curveOf(sorted);
    assert.deepEqual([curve[0]?.value, curve.at(-1)?.value, curve.at(-1)?.share], [1, 2000, 1]);
    assert.equal(distributionOf(new Float64Array()), null);
  });
});

describe("what is written for a page", () => {
  it("is text unless it is markup", () => {
    assert.equal(
      markup`<b title="${'">'}">${"<i>"}${markup`<u/>`}${null}${[1, "&"]}</b>`.text,
      '<b title="&quot;&gt;">&lt;i&gt;<u/>1&amp;</b>',
    );
  });

  it("is JSON that cannot end its script, and reads back the same", () => {
    const value = { a: "</script><!--\u2028&" };
    const { text } = jsonForScript(value);
    assert.doesNotMatch(text, /[<>&\u2028]/);
    assert.deepEqual(JSON.parse(text), value);
  });

  it("is a chart that says in words what it shows", () => {
    const row = {
      label: "<fast>",
      text: "5 a second",
      bars: [{ value: 5, color: 0 }],
      line: { low: 4, high: 6 },
      points: [],
    };
    const x = { title: "a second", scale: "linear", fromZero: true } as const;
    const { text } = chartToSvg({
      kind: "rows",
      id: "a",
      title: "Throughput",
      note: "Of one.",
      legend: [],
      x,
      rows: [row],
    });
    assert.match(text, /role="img"\s+aria-label="Throughput\. Of one\. &lt;fast&gt;: 5 a second"/);
    assert.match(text, /class="whisker"/);
    assert.doesNotMatch(text, /NaN|undefined|style=/);
  });
});

describe("SHA256SUMS", () => {
  it("is as sha256sum prints it, and keeps what is recorded of other files", async () => {
    const folder = temporaryFolder({ a: "a", b: "b" });
    await recordChecksums(folder, ["b", "a", "none"]);
    const text = readFileSync(join(folder, "SHA256SUMS"), "utf8");
    assert.match(text, /^ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb {2}a\n[0-9a-f]{64} {2}b\n$/);
    writeFileSync(join(folder, "a"), "changed");
    await recordChecksums(folder, ["b"]);
    assert.equal(readFileSync(join(folder, "SHA256SUMS"), "utf8"), text);
    assert.equal(await readChecksums(temporaryFolder()), null);
  });
});
