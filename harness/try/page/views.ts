/** The lists of answers to captions, questions and matches, the newest first, each with the picture it is about. */
import type { Work, WorkKind } from "../wire.ts";
import { create } from "./dom.ts";
import type { ChosenLane } from "./lanes.ts";
import { makeReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

/** A question that was sent: for each lane its work, and the reply that shows its answer. */
export interface Begun {
  readonly works: readonly Work[];
  readonly replies: readonly Reply[];
  /** Called when all replies have ended. */
  readonly end: () => void;
}

export interface View {
  readonly element: HTMLElement;
  /** Adds an entry for a question. `words`: the typed text, already checked. */
  readonly begin: (words: string, lanes: readonly ChosenLane[]) => Begun;
}

const mostAsked = 50; // entries kept on the page

export function makeListView(kind: Exclude<WorkKind, "chat">): View {
  const list = create("div", "list");
  return {
    element: list,
    begin: (words, lanes) => {
      const block = create("article", "asked");
      const head = create("header");
      head.append(thumbnail(), create("h3", words === "" ? "quiet" : "", titleOf(kind, words)));
      const side = create("div", "side");
      const replies = lanes.map((lane) => {
        const reply = makeReply();
        const column = create("div", "column");
        column.append(laneTitle(lane), reply.element);
        side.append(column);
        return reply;
      });
      block.append(head, side);
      list.prepend(block);
      while (list.childElementCount > mostAsked) list.lastElementChild?.remove();
      return { works: lanes.map(() => workOf(kind, words)), replies, end: () => undefined };
    },
  };
}

function workOf(kind: Exclude<WorkKind, "chat">, words: string): Work {
  switch (kind) {
    case "caption":
      return { kind, prompt: words };
    case "ask":
      return { kind, question: words };
    case "match":
      return { kind, texts: linesOf(words) };
  }
}

/** Texts, one a line; empty lines are none. */
export function linesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function titleOf(kind: WorkKind, words: string): string {
  if (kind === "match") return `${linesOf(words).length} texts`;
  if (kind === "caption") return words === "" ? "Caption" : `${words} …`;
  return words;
}

export function laneTitle({ checkpoint, precision }: ChosenLane): HTMLElement {
  const title = create("p", "lane-title small");
  title.append(create("b", "", checkpoint), create("span", "quiet", precision));
  return title;
}

const thumbnailSide = 96; // pixels; twice its size on the page, for dense screens

/** A small copy of the current picture; it stays when another one is chosen. */
export function thumbnail(): HTMLElement {
  const canvas = create("canvas", "thumbnail");
  const preview = document.getElementById("preview");
  if (!(preview instanceof HTMLImageElement) || preview.naturalWidth === 0) return canvas;
  const { naturalWidth, naturalHeight } = preview;
  const side = Math.min(naturalWidth, naturalHeight); // the square in the middle
  canvas.width = thumbnailSide;
  canvas.height = thumbnailSide;
  const [left, top] = [(naturalWidth - side) / 2, (naturalHeight - side) / 2];
  canvas.getContext("2d")?.drawImage(preview, left, top, side, side, 0, 0, thumbnailSide, thumbnailSide);
  return canvas;
}
