/**
 * Draws a chart as PNG with chart.js on @napi-rs/canvas, on white, for papers and chats. Its contents equal those of
 * the SVG in the page.
 */
import { createCanvas } from "@napi-rs/canvas";
import type { SKRSContext2D } from "@napi-rs/canvas";
import { Chart as ChartJs, registerables } from "chart.js";
import type { ChartConfiguration, ChartOptions, Plugin } from "chart.js";
import { lightPalette } from "./chart.ts";
import type { Axis, Chart, CurvesChart, RowsChart, ScatterChart } from "./chart.ts";
import { drawMark, drawWhisker } from "./png-marks.ts";
import { placeLabels } from "./labels.ts";
import { scaleOf, tickText, valuesOf } from "./scale.ts";

ChartJs.register(...registerables);

const [width, planeHeight, rowHeight, headHeight] = [900, 600, 36, 170];
const [ink, quiet, grid] = ["#1b1f24", "#57606a", "#e4e7eb"];
const fontFamily = '"DejaVu Sans", "Liberation Sans", Arial, Helvetica, sans-serif';

export async function chartToPng(chart: Chart): Promise<Uint8Array> {
  const height = chart.kind === "rows" ? headHeight + rowHeight * chart.rows.length : planeHeight;
  const canvas = createCanvas(width, height);
  const drawn = new ChartJs(canvas, configurationOf(chart, canvas.getContext("2d")));
  const bytes = await canvas.encode("png");
  drawn.destroy();
  return bytes;
}

/** `pen`: the drawing context of the canvas; chart.js has no type for it in Node. */
function configurationOf(chart: Chart, pen: SKRSContext2D): ChartConfiguration {
  switch (chart.kind) {
    case "rows":
      return rowsConfiguration(chart, pen);
    case "scatter":
      return scatterConfiguration(chart, pen);
    case "curves":
      return curvesConfiguration(chart, pen);
  }
}

function rowsConfiguration(chart: RowsChart, pen: SKRSContext2D): ChartConfiguration<"bar"> {
  const parts = Math.max(1, ...chart.rows.map(({ bars }) => bars.length));
  const marks: Plugin<"bar"> = {
    id: "marks",
    afterDatasetsDraw: ({ scales: { x, y }, chartArea }) => {
      if (x === undefined || y === undefined) return;
      for (const [index, { line, points, text }] of chart.rows.entries()) {
        const middle = y.getPixelForValue(index);
        if (line !== null) {
          const [from, to] = [x.getPixelForValue(line.low), x.getPixelForValue(line.high)];
          drawWhisker(pen, { x: from, y: middle }, { x: to, y: middle });
        }
        for (const { value, color, shape } of points) {
          drawMark(pen, shape, { x: x.getPixelForValue(value), y: middle, color: paint(color) });
        }
        pen.save();
        pen.fillStyle = ink;
        pen.font = `12px ${fontFamily}`;
        pen.textBaseline = "middle";
        pen.fillText(text, chartArea.right + 10, middle);
        pen.restore();
      }
    },
  };
  return {
    type: "bar",
    data: {
      labels: chart.rows.map(({ label }) => label),
      datasets: Array.from({ length: parts }, (_, part) => ({
        data: chart.rows.map(({ bars }) => bars[part]?.value ?? null),
        backgroundColor: chart.rows.map(({ bars }) => paint(bars[part]?.color ?? 0)),
        barThickness: 16,
      })),
    },
    options: {
      ...optionsOf(chart),
      indexAxis: "y",
      layout: { padding: { top: 16, bottom: 12, left: 16, right: 190 } },
      scales: {
        x: { ...axisOptions(chart, "x", chart.x), stacked: true },
        y: { stacked: true, grid: { display: false }, ticks: { color: ink, font: { size: 12, family: fontFamily } } },
      },
    },
    plugins: [backgroundOf(pen), marks],
  };
}

function scatterConfiguration(chart: ScatterChart, pen: SKRSContext2D): ChartConfiguration<"scatter"> {
  const front = chart.points.filter(({ isOnFront }) => isOnFront).toSorted((a, b) => a.x - b.x);
  const marks: Plugin<"scatter"> = {
    id: "marks",
    afterDatasetsDraw: ({ scales: { x, y }, chartArea }) => {
      if (x === undefined || y === undefined) return;
      pen.font = `12px ${fontFamily}`;
      const labels = placeLabels(
        chart.points.map((point) => ({
          x: x.getPixelForValue(point.x),
          y: y.getPixelForValue(point.y),
          width: pen.measureText(point.label).width,
        })),
        chartArea,
      );
      for (const [index, point] of chart.points.entries()) {
        const place = { x: x.getPixelForValue(point.x), y: y.getPixelForValue(point.y) };
        if (point.low !== null && point.high !== null) {
          const [from, to] = [y.getPixelForValue(point.low), y.getPixelForValue(point.high)];
          drawWhisker(pen, { x: place.x, y: from }, { x: place.x, y: to });
        }
        drawMark(pen, point.shape, { ...place, color: paint(point.color) });
        pen.save();
        const label = labels[index]!;
        pen.textAlign = label.isAtLeft ? "right" : "left";
        pen.fillStyle = point.isOnFront ? ink : quiet;
        pen.font = `12px ${fontFamily}`;
        pen.fillText(point.label, label.x, label.y);
        pen.restore();
      }
    },
  };
  return {
    type: "scatter",
    data: {
      datasets: [
        { data: front.map(({ x, y }) => ({ x, y })), showLine: true, ...lineStyle("#8c959f"), pointRadius: 0 },
      ],
    },
    options: {
      ...optionsOf(chart),
      scales: { x: axisOptions(chart, "x", chart.x), y: axisOptions(chart, "y", chart.y) },
    },
    plugins: [backgroundOf(pen), marks],
  };
}

function curvesConfiguration(chart: CurvesChart, pen: SKRSContext2D): ChartConfiguration<"scatter"> {
  return {
    type: "scatter",
    data: {
      datasets: chart.curves.map(({ points, color }) => ({
        data: points.map(({ x, y }) => ({ x, y })),
        showLine: true,
        ...lineStyle(paint(color)),
        pointRadius: 0,
      })),
    },
    options: {
      ...optionsOf(chart),
      scales: { x: axisOptions(chart, "x", chart.x), y: axisOptions(chart, "y", chart.y) },
    },
    plugins: [backgroundOf(pen)],
  };
}

function lineStyle(color: string): { borderColor: string; borderWidth: number } {
  return { borderColor: color, borderWidth: 2 };
}

function backgroundOf(pen: SKRSContext2D): Plugin {
  return {
    id: "background",
    beforeDraw: ({ width: chartWidth, height }) => {
      pen.save();
      pen.fillStyle = "#ffffff";
      pen.fillRect(0, 0, chartWidth, height);
      pen.restore();
    },
  };
}

/** Options of every chart: title, note, legend; no animation, no resizing with a window. */
function optionsOf(chart: Chart): ChartOptions<"bar"> & ChartOptions<"scatter"> {
  const styles = { circle: "circle", diamond: "rectRot", square: "rect", tick: "line" } as const;
  return {
    responsive: false,
    animation: false,
    devicePixelRatio: 2,
    layout: { padding: { top: 16, bottom: 12, left: 16, right: 24 } },
    plugins: {
      title: { display: true, text: chart.title, align: "start", color: ink, font: { size: 18, family: fontFamily } },
      subtitle: {
        display: true,
        text: chart.note,
        align: "start",
        color: quiet,
        font: { size: 12, family: fontFamily },
        padding: { bottom: 10 },
      },
      tooltip: { enabled: false },
      legend: {
        display: chart.legend.length > 0,
        position: "bottom",
        align: "start",
        onClick: () => undefined,
        labels: {
          usePointStyle: true,
          color: ink,
          font: { size: 12, family: fontFamily },
          generateLabels: () =>
            chart.legend.map(({ label, color, shape }) => ({
              text: label,
              fillStyle: paint(color),
              strokeStyle: paint(color),
              fontColor: ink,
              pointStyle: styles[shape],
              lineWidth: shape === "tick" ? 3 : 0,
            })),
        },
      },
    },
  };
}

function axisOptions(chart: Chart, which: "x" | "y", axis: Axis) {
  const scale = scaleOf(axis, valuesOf(chart, which));
  return {
    type: scale.kind === "log" ? ("logarithmic" as const) : ("linear" as const),
    min: scale.min,
    max: scale.max,
    title: { display: true, text: axis.title, color: quiet, font: { size: 12, family: fontFamily } },
    grid: { color: grid },
    border: { display: false },
    afterBuildTicks: (built: { ticks: { value: number }[] }): void => {
      built.ticks = scale.ticks.map((value) => ({ value }));
    },
    ticks: {
      color: quiet,
      font: { size: 12, family: fontFamily },
      autoSkip: false,
      maxRotation: 0,
      callback: (value: string | number) => tickText(Number(value)),
    },
  };
}

function paint(color: number): string {
  return lightPalette[color] ?? ink;
}
