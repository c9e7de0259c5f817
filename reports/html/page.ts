/**
 * Makes a self-contained HTML page from a report: style, script, data, charts and images are inside it. Its content
 * security policy allows that style and script by their hashes, images embedded in the page, and nothing else.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Chart } from "../charts/chart.ts";
import { chartToSvg, shapeToSvg } from "../charts/svg.ts";
import type { Report } from "../report/report-data.ts";
import type { ReportTable } from "../report/report-table.ts";
import type { Section } from "../report/sections.ts";
import { tableToHtml } from "../tables/html.ts";
import { withoutEmptyColumns } from "../tables/table.ts";
import { pageDataOf } from "./embedded-data.ts";
import { gallerySection } from "./gallery.ts";
import type { BesideReport } from "./embedded-data.ts";
import { jsonForScript, Markup, markup } from "../markup.ts";
import { readPageScript } from "./page-script.ts";
import { provenanceSection } from "./provenance.ts";

/** The style sheets are read from the sources. */
const lookFile = new URL("../../../reports/page/look.css", import.meta.url);
const styleFile = new URL("../../../reports/page/style.css", import.meta.url);
const samplesStyleFile = new URL("../../../reports/page/samples.css", import.meta.url);

export async function reportToHtml(
  report: Report,
  { sections, ...beside }: { readonly sections: readonly Section[] } & BesideReport,
): Promise<string> {
  const sheets = [lookFile, styleFile, samplesStyleFile].map((file) => readFile(file, "utf8"));
  const script = inline(await readPageScript(), "script");
  const style = inline((await Promise.all(sheets)).join("\n"), "style");
  const policy = [
    "default-src 'none'",
    `script-src '${sourceHash(script)}'`,
    `style-src '${sourceHash(style)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const dataJson = jsonForScript(pageDataOf(report, beside));
  const gallery = gallerySection(report);
  const links = [
    ...sections.map(({ id, title }) => ({ id, title })),
    ...(gallery === null ? [] : [{ id: "gallery", title: "Samples" }]),
    { id: "provenance", title: "Provenance" },
  ];
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>blip2-bench report</title>
        <link rel="icon" href="data:," />
        <style>${style}</style>
      </head>
      <body>
        <header>
          <h1>blip2-bench report</h1>
          <p class="quiet">${summaryLine(report)}</p>
          <nav aria-label="Sections">${links.map(({ id, title }) => markup`<a href="#${id}">${title}</a>`)}</nav>
        </header>
        <main>${sections.map((section) => drawSection(section, report))} ${gallery} ${provenanceSection(report)}</main>
        <footer class="quiet">
          Made by blip2-bench ${report.version}. Everything on this page is in this file; report.json beside it has the
          same numbers, not rounded.
        </footer>
        <script type="application/json" id="data">${dataJson}</script>
        <script type="module">${script}</script>
      </body>
    </html> `;
  return page.text;
}

/** Text that is put into an element as it is. Throws an Error if it could close that element. */
function inline(text: string, element: string): Markup {
  if (text.toLowerCase().includes(`</${element}`)) throw new Error(`"</${element}" would end the page's ${element}`);
  return new Markup(text);
}

function sourceHash({ text }: Markup): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function summaryLine({ runs, benches, apart, createdAt }: Report): string {
  const points = benches.reduce((sum, bench) => sum + bench.points.length, 0);
  const counted = (count: number, what: string): string => `${count} ${count === 1 ? what : `${what}s`}`;
  return [
    counted(runs.length, "run"),
    counted(points, "bench point"),
    ...(apart.length > 0 ? [`${counted(apart.length, "folder")} shown apart`] : []),
    `made ${createdAt.slice(0, 16).replace("T", " ")} UTC`,
  ].join(" · ");
}

function drawSection({ id, title, charts, tables, folded }: Section, report: Report): Markup {
  return markup`<section id="${id}">
    <h2>${title}</h2>
    ${charts.length > 0 ? markup`<div class="charts">${charts.map(drawChart)}</div>` : null}
    ${tables.map((table) => drawTable(table, title))} ${id === "accuracy" ? reasonsList(report) : null}
    ${folded.map(
      (table) =>
        markup`<details>
          <summary>${table.title}</summary>
          ${drawTable(table, table.title)}
        </details>`,
    )}
  </section>`;
}

function drawChart(chart: Chart): Markup {
  const { title, note, legend } = chart;
  return markup`<figure>
    <figcaption><b>${title}</b><span class="quiet">${note}</span></figcaption>
    ${chartToSvg(chart)}
    <ul class="legend">
      ${legend.map(({ label, color, shape }) => markup`<li>${shapeToSvg(shape, color)}${label}</li>`)}
    </ul>
  </figure>`;
}

function drawTable({ title, note, ...table }: ReportTable, section: string): Markup {
  return markup`${title === section ? null : markup`<h3>${title}</h3>`}
    ${tableToHtml(withoutEmptyColumns(table), title)}
    ${note === null ? null : markup`<p class="note">${note}</p>`}`;
}

function reasonsList({ runs }: Report): Markup | null {
  const reasons = [...new Set(runs.flatMap(({ comparisons }) => comparisons.flatMap((one) => one.reasons)))];
  const obstacles = [...new Set(runs.flatMap((run) => (run.comparisons.length > 0 ? run.obstacles : [])))];
  if (reasons.length + obstacles.length === 0) return null;
  return markup`${
    obstacles.length > 0
      ? markup`<h3>Why some are not comparable</h3>
          <ul>
            ${obstacles.map((one) => markup`<li>${one}</li>`)}
          </ul>`
      : null
  }
  ${
    reasons.length > 0
      ? markup`<h3>Outside: what is known of why</h3>
          <ul>
            ${reasons.map((one) => markup`<li>${one}</li>`)}
          </ul>`
      : null
  }`;
}
