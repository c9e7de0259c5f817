/** The form of the page: its text field in each mode, and the sending of one question at a time. */
import type { Decoding, WorkKind } from "../wire.ts";
import { element } from "./dom.ts";
import type { ChosenLane } from "./lanes.ts";
import { wordsOf } from "./modes.ts";
import type { PictureBox } from "./picture.ts";
import { sendQuestion } from "./send.ts";
import type { View } from "./views.ts";

export interface FormParts {
  /** Name of this tab, by which the server's queue tells clients apart. */
  readonly client: string;
  readonly picture: PictureBox;
  readonly mode: () => WorkKind;
  readonly view: () => View;
  readonly lanes: () => readonly ChosenLane[];
  readonly decoding: () => Decoding;
}

export interface Form {
  readonly isBusy: () => boolean;
  /** Cancels the running question; returns whether there was one. */
  readonly cancel: () => boolean;
  readonly showMode: (mode: WorkKind) => void;
  readonly focus: () => void;
  /** Puts words into the field of a mode; empty words keep what was typed before. */
  readonly fillIn: (mode: WorkKind, words: string) => void;
  readonly say: (words: string) => void;
}

export function makeForm(parts: FormParts): Form {
  const form = element("form", HTMLFormElement);
  const line = element("words", HTMLInputElement);
  const lines = element("texts", HTMLTextAreaElement);
  const send = element("send", HTMLButtonElement);
  const cancelButton = element("cancel", HTMLButtonElement);
  const status = element("status", HTMLElement);
  const typed: Record<WorkKind, string> = { caption: "", ask: "", chat: "", match: "" };
  let running: AbortController | null = null;

  const field = (): HTMLInputElement | HTMLTextAreaElement => (parts.mode() === "match" ? lines : line);
  const say = (words: string): void => {
    status.textContent = words;
  };
  const setBusy = (controller: AbortController | null): void => {
    running = controller;
    send.hidden = controller !== null;
    cancelButton.hidden = controller === null;
    if (controller === null && document.activeElement === document.body) field().focus();
  };
  const submit = async (): Promise<void> => {
    if (running !== null) return;
    const mode = parts.mode();
    const words = field().value.trim();
    const picture = parts.picture.current();
    const lanes = parts.lanes();
    const missing = whatIsMissing({ mode, words, hasImage: picture !== null, lanes: lanes.length });
    if (picture === null || missing !== null) {
      say(missing ?? "");
      if (picture === null) element("choose", HTMLButtonElement).focus();
      return;
    }
    const controller = new AbortController();
    setBusy(controller);
    say("Sent");
    const { works, replies, end } = parts.view().begin(words, lanes);
    element("nothing-yet", HTMLElement).hidden = true;
    if (mode === "chat" || mode === "ask") {
      field().value = "";
      typed[mode] = "";
    }
    const asked = lanes.map((lane, index) => ({ ...lane, work: works[index]! }));
    const request = { client: parts.client, image: picture.image.id, asked, decoding: parts.decoding() };
    say(await sendQuestion({ request, replies, picture: parts.picture, signal: controller.signal }));
    end();
    setBusy(null);
  };
  const cancel = (): boolean => {
    const wasRunning = running !== null;
    running?.abort();
    return wasRunning;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  lines.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  cancelButton.addEventListener("click", cancel);
  for (const one of [line, lines]) {
    one.addEventListener("input", () => {
      typed[parts.mode()] = one.value;
      say("");
    });
  }
  const showMode = (mode: WorkKind): void => {
    line.hidden = mode === "match";
    lines.hidden = mode !== "match";
    const one = field();
    one.value = typed[mode];
    one.placeholder = wordsOf[mode].hint;
    element(`${one.id}-label`, HTMLLabelElement).textContent = wordsOf[mode].label;
    send.textContent = wordsOf[mode].send;
    if (running === null) say("");
    place(form, mode);
  };
  return {
    isBusy: () => running !== null,
    cancel,
    showMode,
    focus: () => {
      field().focus();
    },
    fillIn: (mode, words) => {
      if (words !== "") typed[mode] = words;
      if (parts.mode() === mode) showMode(mode);
    },
    say,
  };
}

/**
 * Places the form: below a conversation, which grows downwards; above the answers of other modes, of which the newest
 * is on top.
 */
function place(form: HTMLElement, mode: WorkKind): void {
  const answers = element("answers", HTMLElement);
  if (mode === "chat") answers.after(form);
  else answers.before(form);
}

/** What is still missing before the question can be sent, as a sentence; null: nothing. */
function whatIsMissing({
  mode,
  words,
  hasImage,
  lanes,
}: {
  readonly mode: WorkKind;
  readonly words: string;
  readonly hasImage: boolean;
  readonly lanes: number;
}): string | null {
  if (!hasImage) return "An image first: drop, paste or choose one.";
  if (lanes === 0) return "No checkpoint that is chosen can do this.";
  if (mode === "caption" || words !== "") return null;
  return mode === "match" ? "Texts first, one a line." : "A question first.";
}
