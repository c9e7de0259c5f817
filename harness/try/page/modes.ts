/** The tabs Caption, Ask, Chat and Match, which arrow keys move through; and the labels of the form in each mode. */
import type { WorkKind } from "../wire.ts";
import { element } from "./dom.ts";

export const modes: readonly WorkKind[] = ["caption", "ask", "chat", "match"];

export const wordsOf: Readonly<
  Record<WorkKind, { readonly label: string; readonly hint: string; readonly send: string }>
> = {
  caption: { label: "Words that the caption goes on with", hint: "a photo of (may be left empty)", send: "Caption" },
  ask: { label: "Question", hint: "What color is the star?", send: "Ask" },
  chat: { label: "Question or remark", hint: "Ask on: earlier turns are known", send: "Send" },
  match: { label: "Texts to match, one a line", hint: "a red circle\na blue star", send: "Match" },
};

export interface Modes {
  readonly current: () => WorkKind;
  readonly set: (mode: WorkKind) => void;
}

export function makeModes(onChange: (mode: WorkKind) => void): Modes {
  const tabs = modes.map((mode) => element(`mode-${mode}`, HTMLButtonElement));
  const panel = element("panel", HTMLElement);
  let current: WorkKind = "caption";
  const set = (mode: WorkKind): void => {
    current = mode;
    for (const [index, tab] of tabs.entries()) {
      const isCurrent = modes[index] === mode;
      tab.ariaSelected = String(isCurrent);
      tab.tabIndex = isCurrent ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", `mode-${mode}`);
    panel.dataset["mode"] = mode;
    onChange(mode);
  };
  const step = (index: number): void => {
    const place = (index + modes.length) % modes.length;
    set(modes[place] ?? "caption");
    tabs[place]?.focus();
  };
  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener("click", () => {
      set(modes[index] ?? "caption");
    });
    tab.addEventListener("keydown", ({ key }) => {
      if (key === "ArrowRight") step(index + 1);
      if (key === "ArrowLeft") step(index - 1);
      if (key === "Home") step(0);
      if (key === "End") step(modes.length - 1);
    });
  }
  return { current: () => current, set };
}
