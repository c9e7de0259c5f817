/** Tables by hand: one table in its four forms, and how numbers and scores are rounded for people. */
import assert from "node:assert/strict";
import { metricUnits, metricUnitSchema, unitsBySign, unitSignSchema } from "../../reports/records/metric-unit.ts";
import {
  amount,
  interval,
  megabytes,
  rangedFigure,
  scoreCell,
  scoreDifferenceCell,
} from "../../reports/tables/cells.ts";
import { tableToCsv } from "../../reports/tables/csv.ts";
import { tableToHtml } from "../../reports/tables/html.ts";
import { escapeMarkdown, tableToMarkdown } from "../../reports/tables/markdown.ts";
import {
  axisTitle,
  differenceText,
  differenceWithError,
  pointsRange,
  pointsText,
  roundedPoints,
  scoreText,
} from "../../reports/tables/metric-numbers.ts";
import { figureText, likelihoodText, pValueText, threeDigits, withSign } from "../../reports/tables/numbers.ts";
import { columnsOfPart, left, onlyWhere, right, tableOf, withoutEmptyColumns } from "../../reports/tables/table.ts";
import type { ColumnOf } from "../../reports/tables/table.ts";
import { tableToText } from "../../reports/tables/terminal.ts";

interface Named {
  readonly name: string;
  readonly size: number | null;
}

const columns: readonly ColumnOf<Named>[] = [
  left("name", ({ name }) => name),
  right("size (MB)", ({ size }) => megabytes(size), "size_bytes"),
  left("hash", () => ({ text: "1f", value: "1f", tone: "code" })),
];

describe("a table", () => {
  const table = tableOf(columns, [
    { name: "a|b <i>", size: 12_345_678 },
    { name: "  part", size: null },
  ]);

  it("in a terminal has columns as wide as their widest cell, numbers at the right", () => {
    const lines = ["name     size (MB)  hash", "a|b <i>         12  1f", "  part           –  1f"];
    assert.equal(tableToText(table), lines.join("\n"));
  });

  it("in Markdown has cells that are no more than text, and a dash before a part", () => {
    const lines = [
      "| name | size (MB) | hash |",
      "| --- | ---: | --- |",
      "| a\\|b &lt;i&gt; | 12 | 1f |",
      "| — part | – | 1f |",
    ];
    assert.equal(tableToMarkdown(table), lines.join("\n"));
  });

  it("as CSV has names of its own for columns and numbers that are not rounded", () => {
    assert.equal(tableToCsv(table), "name,size_bytes,hash\na|b <i>,12345678,1f\n  part,,1f\n");
  });

  it("in HTML has a label, cells that are no tags, tones and code", () => {
    const { text } = tableToHtml(table, 'T "1"');
    assert.match(text, /aria-label="T &quot;1&quot;"/);
    assert.match(text, /<th scope="col" class="right">size \(MB\)<\/th>/);
    assert.match(text, /<td class="left ">a\|b &lt;i&gt;<\/td>/);
    assert.match(text, /<td class="right quiet">–<\/td>/);
    assert.match(text, /<td class="left"><code>1f<\/code><\/td>/);
  });

  it("shows null as a dash in a terminal, and has nothing for it in CSV", () => {
    const plain = tableOf([left<Named>("name", () => null), right<Named>("n", () => 3)], [{ name: "", size: null }]);
    assert.equal(tableToText(plain), "name  n\n-     3");
    assert.equal(tableToCsv(plain), "name,n\n,3\n");
  });

  it("leaves out a column that no row has", () => {
    const some = [
      ...columns,
      onlyWhere<Named>(
        ({ size }) => size === 5,
        left("five", () => "yes"),
      ),
    ];
    const titles = (...sizes: readonly number[]): readonly string[] =>
      tableOf(
        some,
        sizes.map((size) => ({ name: "", size })),
      ).columns.map(({ title }) => title);
    assert.equal(titles(1, 2).includes("five"), false);
    assert.equal(titles(1, 5).includes("five"), true);
  });

  it("takes columns of a part of its rows", () => {
    const whole = tableOf(
      columnsOfPart(({ part }: { readonly part: Named }) => part, columns),
      [{ part: { name: "x", size: 1e6 } }],
    );
    assert.equal(tableToCsv(whole), "name,size_bytes,hash\nx,1000000,1f\n");
  });

  it("as CSV has no cell that a spreadsheet would run, and numbers that are numbers", () => {
    const names = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x","y")', "plain"];
    const numbered = [left<string>("name", (name) => name), right<string>("n", () => amount(-0.123456))];
    const lines = tableToCsv(tableOf(numbered, names)).trimEnd().split("\n").slice(1);
    for (const line of lines) assert.match(line, /^"?('[=+\-@\t]|plain)/);
    for (const line of lines) assert.match(line, /,-0\.123456$/);
  });

  it("for people leaves columns out that say nothing in any row", () => {
    const said = [
      left<Named>("name", ({ name }) => name),
      right<Named>("none", () => amount(null)),
      left<Named>("", () => ""),
    ];
    const { columns: shown, rows } = withoutEmptyColumns(tableOf(said, [{ name: "a", size: null }]));
    assert.deepEqual([shown.map(({ title }) => title), rows[0]?.length], [["name"], 1]);
  });

  it("in Markdown escapes what Markdown or HTML would read as more than text", () => {
    const text = escapeMarkdown("a|b <img src=x> **c** [d](http://x) `e` @name TR@1\n# f");
    assert.equal(text, "a\\|b &lt;img src=x&gt; \\*\\*c\\*\\* \\[d\\](http://x) \\`e\\` @\u200bname TR@1 \\# f");
  });
});

describe("numbers for people", () => {
  it("have three digits that count", () => {
    assert.deepEqual([0.01234, 1.234, 12.34, 1234.4, 0].map(figureText), ["0.0123", "1.23", "12.3", "1,234", "0"]);
    assert.deepEqual([0.01234, 1.234, 12.34, 1234.4].map(threeDigits), ["0.0123", "1.23", "12.3", "1234"]);
  });

  it("have a sign, unless they round to 0", () => {
    assert.deepEqual([withSign(1, "1.00"), withSign(-1, "1.00"), withSign(-0.001, "0.00")], ["+1.00", "-1.00", "0.00"]);
  });

  it("say how small a probability is without calling it 0", () => {
    assert.deepEqual([0, 0.0004, 0.123].map(likelihoodText), ["0.0 %", "< 0.1 %", "12.3 %"]);
    assert.deepEqual(
      [pValueText(0.00001), pValueText(0.05), pValueText(0, "below ")],
      ["<0.0001", "0.0500", "below 0.0001"],
    );
  });

  it("in a report are in groups of three, with a range where there is one", () => {
    assert.equal(amount(1234.5).text, "1,234.50");
    assert.equal(interval(0, 1000, 1).text, "0.0 to 1,000.0");
    assert.deepEqual(rangedFigure({ value: 12.34, low: 10, high: 1500 }), {
      text: "12.3 (10.0 to 1,500)",
      value: 12.34,
    });
    assert.deepEqual(rangedFigure({ value: 12.34, low: null, high: null }), { text: "12.3", value: 12.34 });
  });
});

describe("scores of metrics", () => {
  it("are shown as their unit says: fractions in percent, CIDEr times 100", () => {
    assert.deepEqual([scoreText(0.53412, "fraction"), scoreText(1.2, "cider")], ["53.41 %", "120.00"]);
    assert.equal(scoreText(0.53412, "fraction", 0.002), "53.41 ± 0.20 %");
    assert.deepEqual([pointsText(null, "cider"), scoreText(undefined, "fraction")], ["-", "-"]);
    assert.equal(pointsRange({ low: 0.5, high: 0.625 }, "fraction"), "50.00 to 62.50");
    assert.deepEqual([roundedPoints(0.123456, "fraction"), roundedPoints(null, "fraction")], [12.35, null]);
    assert.deepEqual(
      [axisTitle("accuracy", "fraction"), axisTitle("CIDEr", "cider")],
      ["accuracy (%)", "CIDEr (× 100)"],
    );
  });

  it("differ with a sign, and not by +0.00 or -0.00", () => {
    const differences = [0.012, -0.012, 0.00001, -0.00001, null];
    const texts = differences.map((difference) => differenceText(difference, "fraction", "-∞"));
    assert.deepEqual(texts, ["+1.20", "-1.20", "0.00", "0.00", "-∞"]);
    assert.equal(differenceWithError(-0.012, "fraction", 0.004), "-1.20 ± 0.40 %");
  });

  it("in a report keep all their digits for a spreadsheet", () => {
    assert.deepEqual(scoreCell(0.57123, "fraction"), { text: "57.12", value: 57.123 });
    assert.deepEqual(scoreDifferenceCell(-0.57123, "cider"), { text: "−57.12", value: -57.123 });
    assert.deepEqual(scoreCell(null, "fraction"), { text: "–", value: null, tone: "quiet" });
  });

  it("have units that a row of a report can name by their sign", () => {
    const units = metricUnitSchema.options.map((unit) => unitsBySign[metricUnits[unit].sign]);
    assert.deepEqual(units, metricUnitSchema.options);
    assert.equal(unitSignSchema.options.length, metricUnitSchema.options.length);
  });
});
