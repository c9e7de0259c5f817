/** Where the time went: a bar of the stages, and the same in words. */
import type { Stages } from "../wire.ts";
import { create } from "./dom.ts";

const names: Readonly<Record<string, string>> = {
  imageRead: "read the file",
  imageDecode: "decode the image",
  imageResize: "resize it",
  features: "features kept",
  vision: "image encoder",
  qFormer: "Q-Former",
  projection: "projection",
  imageKeys: "keys of the image",
  tokenize: "tokens of the prompt",
  prefix: "image in the language model",
  prefill: "prompt",
  encode: "encode the prompt",
  decode: "words",
  detokenize: "text of the tokens",
  matching: "matching",
  similarity: "similarity",
  store: "keep for later",
};
const colors = 7; // c0 to c6 of look.css
const otherName = "other";

interface Stage {
  readonly name: string;
  readonly ms: number;
  readonly color: number;
}

/** In their order; more than there are colours for are one at the end. */
function stagesOf(stagesMs: Stages): readonly Stage[] {
  const all = Object.entries(stagesMs).filter(([, ms]) => ms > 0);
  const largest = new Set(
    all
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, all.length > colors ? colors - 1 : colors)
      .map(([name]) => name),
  );
  const shown = all
    .filter(([name]) => largest.has(name))
    .map(([name, ms], color) => ({ name: names[name] ?? name, ms, color }));
  const otherMs = all.filter(([name]) => !largest.has(name)).reduce((sum, [, ms]) => sum + ms, 0);
  return otherMs > 0 ? [...shown, { name: otherName, ms: otherMs, color: colors - 1 }] : shown;
}

/** The same is in the legend, so it says nothing to a screen reader. */
export function stagesBar(stagesMs: Stages): HTMLElement {
  const bar = create("div", "bar");
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
