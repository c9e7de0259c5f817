/** The main script of the page that `try` serves: connects the other modules. */
import type { WorkKind } from "../wire.ts";
import { makeChatView } from "./chat-view.ts";
import { element } from "./dom.ts";
import { makeForm } from "./form.ts";
import type { Form } from "./form.ts";
import { makeHow } from "./how.ts";
import { listenToKeys } from "./keys.ts";
import { makeLanes } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import { describeMissing, readLink } from "./link.ts";
import { makeModes, modes } from "./modes.ts";
import type { Modes } from "./modes.ts";
import { makePictureBox } from "./picture.ts";
import type { PictureBox } from "./picture.ts";
import { fetchLinked, fetchState } from "./requests.ts";
import { makeListView } from "./views.ts";
import type { View } from "./views.ts";

interface Page {
  readonly picture: PictureBox;
  readonly lanes: Lanes;
  readonly tabs: Modes;
  readonly form: Form;
}

async function start(): Promise<void> {
  const state = await fetchState();
  element("version", HTMLElement).textContent = state.version;
  const chat = makeChatView({ isBusy: () => form.isBusy(), randomName });
  const views: Readonly<Record<WorkKind, View>> = {
    caption: makeListView("caption"),
    ask: makeListView("ask"),
    chat,
    match: makeListView("match"),
  };
  element("answers", HTMLElement).append(...modes.map((mode) => views[mode].element));

  const picture = makePictureBox(state, () => {
    form.cancel();
    if (chat.startOver()) form.say("Another image: the conversation begins anew.");
  });
  const lanes = makeLanes(state, () => {
    chat.showLanes(lanes.chosen());
  });
  const how = makeHow();
  const tabs = makeModes((mode) => {
    lanes.show(mode);
    if (mode === "chat") chat.showLanes(lanes.chosen());
    for (const each of modes) views[each].element.hidden = each !== mode;
    element("how", HTMLElement).hidden = mode === "match";
    how.showMode(mode);
    form.showMode(mode);
  });
  const form: Form = makeForm({
    client: randomName(),
    picture,
    mode: tabs.current,
    view: () => views[tabs.current()],
    lanes: lanes.chosen,
    decoding: how.decoding,
  });
  tabs.set("caption");
  const page = { picture, lanes, tabs, form };
  listen(page);
  await openLink(page);
}

function listen(page: Page): void {
  const { picture, lanes, tabs, form } = page;
  const keys = element("keys", HTMLDialogElement);
  const showKeys = (): void => {
    keys.showModal();
  };
  element("help", HTMLButtonElement).addEventListener("click", showKeys);
  element("notice-close", HTMLButtonElement).addEventListener("click", () => {
    element("notice", HTMLElement).hidden = true;
  });
  window.addEventListener("hashchange", () => void openLink(page));
  listenToKeys({
    single: {
      ...Object.fromEntries(
        modes.map((mode, index) => [
          String(index + 1),
          () => {
            tabs.set(mode);
          },
        ]),
      ),
      "/": form.focus,
      i: picture.choose,
      n: () => {
        picture.stepSample(1);
      },
      p: () => {
        picture.stepSample(-1);
      },
      m: lanes.add,
      "?": showKeys,
    },
    onEscape: form.cancel,
  });
}

/** Fills in the form from a report's link. Nothing is asked before the user sends it. */
async function openLink({ picture, lanes, tabs, form }: Page): Promise<void> {
  const link = readLink(window.location.hash);
  if (link === null) return;
  try {
    const { image, kind, question, texts, checkpoint, precision } = await fetchLinked(link.run, link.sample);
    tabs.set(kind);
    lanes.choose({ checkpoint, precision });
    form.fillIn(kind, kind === "match" ? texts.join("\n") : (question ?? ""));
    await picture.show(image);
    form.focus();
  } catch (error) {
    if (link.question !== "") {
      tabs.set("ask");
      form.fillIn("ask", link.question);
    }
    notify(describeMissing(link, error instanceof Error ? error.message : String(error)));
  }
}

function notify(words: string): void {
  element("notice-words", HTMLElement).textContent = words;
  element("notice", HTMLElement).hidden = false;
}

/** A random name. crypto.randomUUID does not exist on pages that --host serves to other machines without TLS. */
function randomName(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

start().catch((error: unknown) => {
  notify(error instanceof Error ? error.message : String(error));
});
