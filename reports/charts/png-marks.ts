/** Draws marks and intervals on a canvas, which chart.js does not draw itself. */
import type { SKRSContext2D } from "@napi-rs/canvas";
import type { Shape } from "./chart.ts";

interface Place {
  readonly x: number;
  readonly y: number;
}

const capSize = 4;

/** Draws an interval along an axis, with a cap at each end. */
export function drawWhisker(pen: SKRSContext2D, from: Place, to: Place): void {
  const isFlat = from.y === to.y;
  pen.save();
  pen.strokeStyle = "#1b1f24";
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.moveTo(from.x, from.y);
  pen.lineTo(to.x, to.y);
  for (const { x, y } of [from, to]) {
    pen.moveTo(isFlat ? x : x - capSize, isFlat ? y - capSize : y);
    pen.lineTo(isFlat ? x : x + capSize, isFlat ? y + capSize : y);
  }
  pen.stroke();
  pen.restore();
}

export function drawMark(pen: SKRSContext2D, shape: Shape, { x, y, color }: Place & { readonly color: string }): void {
  pen.save();
  pen.fillStyle = color;
  pen.strokeStyle = shape === "tick" ? color : "#ffffff";
  pen.lineWidth = shape === "tick" ? 3 : 1;
  pen.beginPath();
  if (shape === "circle") pen.arc(x, y, 5.5, 0, 2 * Math.PI);
  if (shape === "square") pen.rect(x - 5, y - 5, 10, 10);
  if (shape === "tick") {
    pen.moveTo(x, y - 7);
    pen.lineTo(x, y + 7);
  }
  if (shape === "diamond") {
    pen.moveTo(x, y - 7);
    pen.lineTo(x + 7, y);
    pen.lineTo(x, y + 7);
    pen.lineTo(x - 7, y);
    pen.closePath();
  }
  if (shape !== "tick") pen.fill();
  pen.stroke();
  pen.restore();
}
