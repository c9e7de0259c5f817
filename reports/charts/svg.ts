/**
 * Draws a chart as SVG without a library: a few kilobytes, sharp when printed, coloured by the page's style sheet, and
 * without a script. Labels are above their rows, so that the chart can be read on a phone.
 */
import { markup } from "../markup.ts";
import type { Markup } from "../markup.ts";
import type { Chart, ChartRow, CurvesChart, RowsChart, ScatterChart, Shape } from "./chart.ts";
import { placeLabels } from "./labels.ts";
import { scaleOf, tickText, valuesOf } from "./scale.ts";
import type { Scale } from "./scale.ts";

const width = 520;
const margin = { left: 8, right: 14, top: 6, bottom: 40 };
const plotHeight = 250; // height of charts with two axes
const leftWithAxis = 46;
const letterWidth = 7.2; // widest letter of a label in pixels; system fonts are narrower

export function chartToSvg(chart: Chart): Markup {
  const drawn = chart.kind === "rows" ? drawRows(chart) : drawPlane(chart);
  return markup`<svg viewBox="0 0 ${width} ${drawn.height}" role="img" aria-label="${spokenText(chart)}">
    ${drawn.content}
  </svg>`;
}

/** A description of the chart for screen readers. */
function spokenText(chart: Chart): string {
  const parts = {
    rows: () => (chart.kind === "rows" ? chart.rows.map(({ label, text }) => `${label}: ${text}`) : []),
    scatter: () =>
      chart.kind === "scatter" ? chart.points.map(({ label, x, y }) => `${label}: ${figure(x)}, ${figure(y)}`) : [],
    curves: () => (chart.kind === "curves" ? chart.curves.map(({ label }) => label) : []),
  }[chart.kind]();
  return `${chart.title}. ${chart.note} ${parts.join("; ")}`;
}

interface Drawn {
  readonly content: Markup;
  readonly height: number;
}

const rowHeight = 42;
const barHeight = 14;

function drawRows(chart: RowsChart): Drawn {
  const scale = scaleOf(chart.x, valuesOf(chart, "x"));
  const [left, right] = [margin.left + 4, width - margin.right - 4];
  const x = (value: number): number => left + scale.at(value) * (right - left);
  const bottom = margin.top + chart.rows.length * rowHeight + 4;
  const rows = chart.rows.map((row, index) => drawRow(row, { x, top: margin.top + index * rowHeight }));
  return {
    height: bottom + margin.bottom,
    content: markup`${bottomAxis(scale, { x, top: margin.top, bottom, title: chart.x.title })}${rows}`,
  };
}

function drawRow(
  { label, text, bars, line, points }: ChartRow,
  { x, top }: { readonly x: (value: number) => number; readonly top: number },
): Markup {
  const middle = top + 29;
  let sum = 0;
  const rectangles = bars.map(({ value, color }) => {
    const [from, to] = [x(sum), x((sum += value))];
    return markup`<rect
      class="c${color}"
      x="${px(from)}"
      y="${middle - barHeight / 2}"
      width="${px(Math.max(0, to - from))}"
      height="${barHeight}"
    />`;
  });
  const whisker =
    line === null
      ? null
      : markup`<path
          class="whisker"
          d="M${px(x(line.low))} ${middle}H${px(x(line.high))}M${px(x(line.low))} ${middle - 4}v8M${px(x(line.high))} ${middle - 4}v8"
        />`;
  const marks = points.map(({ value, color, shape }) => mark(shape, { x: x(value), y: middle, color }));
  return markup`<g
    ><title>${label}: ${text}</title><text class="label" x="${margin.left}" y="${top + 15}">${shorten(label, 50)}</text
    ><text class="value" x="${width - margin.right}" y="${top + 15}">${text}</text>${rectangles}${whisker}${marks}</g
  >`;
}

function drawPlane(chart: ScatterChart | CurvesChart): Drawn {
  const [scaleX, scaleY] = [scaleOf(chart.x, valuesOf(chart, "x")), scaleOf(chart.y, valuesOf(chart, "y"))];
  const [left, right, top, bottom] = [
    leftWithAxis,
    width - margin.right - 4,
    margin.top + 22,
    margin.top + 22 + plotHeight,
  ];
  const x = (value: number): number => left + scaleX.at(value) * (right - left);
  const y = (value: number): number => bottom - scaleY.at(value) * (bottom - top);
  const lines = scaleY.ticks.map(
    (tick) =>
      markup`<path class="grid" d="M${left} ${px(y(tick))}H${right}" /><text
          class="tick end"
          x="${left - 6}"
          y="${px(y(tick) + 4)}"
          >${tickText(tick)}</text
        >`,
  );
  const content =
    chart.kind === "scatter" ? drawPoints(chart, { x, y, left, top, bottom }) : drawCurves(chart, { x, y });
  return {
    height: bottom + margin.bottom,
    content: markup`<text class="tick" x="${margin.left}" y="${margin.top + 9}">${chart.y.title}</text
      >${lines}${bottomAxis(scaleX, { x, top, bottom, title: chart.x.title })}${content}`,
  };
}

interface Places {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

function drawPoints(
  { points }: ScatterChart,
  { x, y, left, top, bottom }: Places & { readonly left: number; readonly top: number; readonly bottom: number },
): Markup {
  const front = points.filter(({ isOnFront }) => isOnFront).toSorted((a, b) => a.x - b.x);
  const path = front.map((point, index) => `${index === 0 ? "M" : "L"}${px(x(point.x))} ${px(y(point.y))}`).join("");
  const shownLabels = points.map(({ label }) => shorten(label, 30));
  const labels = placeLabels(
    points.map((point, index) => ({ x: x(point.x), y: y(point.y), width: letterWidth * shownLabels[index]!.length })),
    { left, right: width, top, bottom },
  );
  const drawn = points.map(({ label, low, high, color, shape, isOnFront, ...point }, index) => {
    const place = { x: x(point.x), y: y(point.y) };
    const whisker =
      low === null || high === null
        ? null
        : markup`<path class="whisker" d="M${px(place.x)} ${px(y(low))}V${px(y(high))}M${px(place.x - 4)} ${px(y(low))}h8M${px(place.x - 4)} ${px(y(high))}h8"/>`;
    const at = labels[index]!;
    const name = markup`<text class="point${isOnFront ? " front" : ""}${at.isAtLeft ? " end" : ""}" x="${px(at.x)}" y="${px(at.y)}">${shownLabels[index]!}</text>`;
    return {
      mark: markup`<g><title>${label}: ${figure(point.x)}, ${figure(point.y)}</title>${whisker}${mark(shape, { ...place, color })}</g>`,
      name,
    };
  });
  return markup`<path class="front" d="${path}" />${drawn.map((one) => one.mark)}${drawn.map(({ name }) => name)}`;
}

function drawCurves({ curves }: CurvesChart, { x, y }: Places): Markup {
  const drawn = curves.map(({ label, color, points }) => {
    const path = points.map((point, index) => `${index === 0 ? "M" : "L"}${px(x(point.x))} ${px(y(point.y))}`).join("");
    return markup`<path class="curve s${color}" d="${path}"><title>${label}</title></path>`;
  });
  return markup`${drawn}`;
}

function bottomAxis(
  scale: Scale,
  {
    x,
    top,
    bottom,
    title,
  }: Pick<Places, "x"> & { readonly top: number; readonly bottom: number; readonly title: string },
): Markup {
  const ticks = scale.ticks.map((tick, index) => {
    const side = index === 0 ? " start" : index === scale.ticks.length - 1 ? " end" : " middle";
    return markup`<path class="grid" d="M${px(x(tick))} ${top}V${bottom}" /><text
        class="tick${side}"
        x="${px(x(tick))}"
        y="${bottom + 15}"
        >${tickText(tick)}</text
      >`;
  });
  return markup`${ticks}<text class="tick" x="${px(x(scale.min))}" y="${bottom + 32}">${title}</text>`;
}

function mark(
  shape: Shape,
  { x, y, color }: { readonly x: number; readonly y: number; readonly color: number },
): Markup {
  const [left, top] = [px(x), px(y)];
  switch (shape) {
    case "circle":
      return markup`<circle class="c${color} mark" cx="${left}" cy="${top}" r="5" />`;
    case "square":
      return markup`<rect class="c${color} mark" x="${px(x - 4.5)}" y="${px(y - 4.5)}" width="9" height="9" />`;
    case "diamond":
      return markup`<path class="c${color} mark" d="M${left} ${px(y - 6.5)}l6.5 6.5-6.5 6.5-6.5-6.5z" />`;
    case "tick":
      return markup`<path class="s${color} bar" d="M${left} ${px(y - 6)}v12" />`;
  }
}

/** A single mark, for a legend. */
export function shapeToSvg(shape: Shape, color: number): Markup {
  return markup`<svg class="key" viewBox="0 0 16 16" aria-hidden="true">${mark(shape, { x: 8, y: 8, color })}</svg>`;
}

function px(value: number): string {
  return String(Number(value.toFixed(1)));
}

function figure(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
