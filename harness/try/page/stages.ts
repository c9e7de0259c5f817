/**
 * Shows where the time went: a bar with a segment for each stage, and a legend in words. Each stage has one fixed
 * colour in all answers.
 */
import type { Stages } from "../wire.ts";
import { create } from "./dom.ts";

interface Look {
  readonly name: string;
  /** Number of the colour, c0 to c6 in look.css. Short and unknown stages share the last one. */
  readonly color: number;
}

const looks: Readonly<Record<string, Look>> = {
  imageRead: { name: "read the file", color: 5 },
  imageDecode: { name: "decode the image", color: 5 },
  imageResize: { name: "resize it", color: 5 },
  vision: { name: "image encoder", color: 0 },
  qFormer: { name: "Q-Former", color: 2 },
  projection: { name: "projection", color: 6 },
  prefix: { name: "image in the language model", color: 3 },
  prefill: { name: "prompt", color: 4 },
  decode: { name: "words", color: 1 },
  detokenize: { name: "text of the tokens", color: 6 },
  imageKeys: { name: "keys of the image", color: 3 },
  matching: { name: "matching", color: 1 },
};

interface Stage extends Look {
  readonly ms: number;
}

function stagesOf(stagesMs: Stages): readonly Stage[] {
  return Object.entries(stagesMs)
    .filter(([, ms]) => ms > 0)
    .map(([stage, ms]) => ({ ...(looks[stage] ?? { name: stage, color: 6 }), ms }));
}

/** The bar. It is hidden from screen readers, since the legend holds all of its information. */
export function stagesBar(stagesMs: Stages): HTMLElement {
  const bar = create("span", "bar");
  bar.ariaHidden = "true";
  for (const { name, ms, color } of stagesOf(stagesMs)) {
    const part = create("span", `b${color}`);
    part.style.flexGrow = String(ms);
    part.title = `${name}: ${timeText(ms)}`;
    bar.append(part);
  }
  return bar;
}

export function stagesLegend(stagesMs: Stages): HTMLElement {
  const list = create("ul", "stages");
  list.ariaLabel = "Time by stage";
  for (const { name, ms, color } of stagesOf(stagesMs)) {
    const item = create("li");
    item.append(create("span", `dot b${color}`), create("span", "", name), create("span", "number", timeText(ms)));
    list.append(item);
  }
  return list;
}

/** `0.4 ms`, `61 ms`, `1.2 s` */
export function timeText(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}
