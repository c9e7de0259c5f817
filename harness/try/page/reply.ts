/** The answer of one checkpoint on the page: it waits, grows word by word, and ends with its times and tokens. */
import type { Answer, AnswerEvent, Stages } from "../wire.ts";
import { create } from "./dom.ts";
import { matchTable } from "./match-table.ts";
import { stagesBar, stagesLegend, timeText } from "./stages.ts";

export interface Reply {
  readonly element: HTMLElement;
  readonly take: (event: AnswerEvent) => void;
  /** Ends the reply with this reason, unless it has ended already. */
  readonly end: (why: string) => void;
  /** The answer; null: not there yet, or failed. */
  readonly answer: () => Answer | null;
}

export function makeReply(): Reply {
  const box = create("div", "reply");
  const said = create("p", "said");
  const state = create("p", "state quiet small", "Waiting for the server…");
  box.ariaBusy = "true";
  box.append(said, state);
  let answer: Answer | null = null;

  const finish = (words: string, className = "state quiet small"): void => {
    box.ariaBusy = "false";
    state.className = className;
    state.textContent = words;
    state.hidden = words === "";
  };
  const take = (event: AnswerEvent): void => {
    switch (event.kind) {
      case "queued":
        state.textContent = event.before === 0 ? "Next" : `${counted(event.before, "answer")} before this one`;
        return;
      case "loading":
        state.textContent =
          event.share === null ? "Loading the checkpoint…" : `Making weights ready, ${Math.round(100 * event.share)} %`;
        return;
      case "started":
        state.textContent = "Looking…";
        return;
      case "text":
        said.textContent = event.text;
        state.hidden = true;
        return;
      case "answer":
        answer = event.answer;
        said.textContent = answer.text === "" ? "(nothing)" : answer.text;
        finish("");
        if (answer.note !== null) box.append(create("p", "note small", answer.note));
        box.append(detailsOf(answer));
        return;
      case "matches":
        finish("");
        said.remove();
        box.append(
          matchTable(event.matches),
          timesOf(event.matches.stagesMs, `all ${timeText(event.matches.wholeMs)}`),
        );
        return;
      case "failed":
        finish(event.message, "state bad small");
        return;
    }
  };
  return {
    element: box,
    take,
    end: (why) => {
      if (box.ariaBusy === "true") finish(why);
    },
    answer: () => answer,
  };
}

function detailsOf(answer: Answer): HTMLElement {
  const { stagesMs, firstTextMs, wholeMs, score, tokens } = answer;
  const first = firstTextMs === null ? "" : `first words ${timeText(firstTextMs)}, `;
  const fold = timesOf(stagesMs, `${first}all ${timeText(wholeMs)}`);
  if (tokens.length > 0) fold.append(tokensOf(answer));
  if (score !== null) fold.append(create("p", "quiet", `score of the search: ${score.toFixed(4)}`));
  return fold;
}

function timesOf(stagesMs: Stages, words: string): HTMLElement {
  const fold = create("details", "detail small");
  const summary = create("summary", "quiet");
  summary.append(stagesBar(stagesMs), create("span", "", words));
  fold.append(summary, stagesLegend(stagesMs));
  return fold;
}

/** The generated tokens, each with its probability. */
function tokensOf({ tokens }: Answer): HTMLElement {
  const list = create("ol", "tokens");
  list.ariaLabel = "Tokens with their probabilities";
  for (const { text, probability } of tokens) {
    const item = create("li");
    item.append(create("span", "token", text.replaceAll("\n", "⏎").replaceAll(" ", "·")));
    if (probability !== null) {
      item.append(create("span", "quiet", `${(100 * probability).toFixed(probability < 0.0995 ? 1 : 0)} %`));
      item.style.setProperty("--probability", String(probability));
    }
    list.append(item);
  }
  return list;
}

export function counted(count: number, what: string): string {
  return `${count} ${count === 1 ? what : `${what}s`}`;
}
