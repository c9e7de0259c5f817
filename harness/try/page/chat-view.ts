/** Conversations about the picture, side by side: one for each checkpoint and precision that is chosen. */
import type { Turn } from "../wire.ts";
import { button, create } from "./dom.ts";
import type { ChosenLane } from "./lanes.ts";
import { makeReply } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { laneTitle, thumbnail } from "./views.ts";
import type { View } from "./views.ts";

export interface ChatView extends View {
  /** Shows the conversations of these lanes. */
  readonly showLanes: (lanes: readonly ChosenLane[]) => void;
  /** Ends all conversations; returns whether there were any. */
  readonly startOver: () => boolean;
}

interface Conversation {
  readonly lane: ChosenLane;
  readonly id: string;
  readonly column: HTMLElement;
  readonly list: HTMLElement;
  readonly said: { readonly question: string; readonly reply: Reply; readonly item: HTMLElement }[];
}

/** `isBusy`: whether an answer is still arriving; its conversation is then kept. */
export function makeChatView({ isBusy, randomName }: { isBusy: () => boolean; randomName: () => string }): ChatView {
  const box = create("div", "chat");
  const head = create("header", "chat-head");
  const side = create("div", "side");
  const byLane = new Map<string, Conversation>();
  let shown: readonly ChosenLane[] = [];

  const conversationOf = (lane: ChosenLane): Conversation => {
    const key = `${lane.checkpoint} ${lane.precision}`;
    const found = byLane.get(key);
    if (found !== undefined) return found;
    const column = create("div", "column");
    const list = create("ol", "turns");
    column.append(laneTitle(lane), list);
    const made = { lane, id: randomName(), column, list, said: [] };
    byLane.set(key, made);
    return made;
  };
  const unique = (lanes: readonly ChosenLane[]): readonly Conversation[] => [...new Set(lanes.map(conversationOf))];
  const draw = (): void => {
    const conversations = unique(shown);
    side.replaceChildren(...conversations.map(({ column }) => column));
    head.hidden = conversations.every(({ said }) => said.length === 0);
  };
  const startOver = (): boolean => {
    const had = [...byLane.values()].some(({ said }) => said.length > 0);
    byLane.clear();
    draw();
    return had;
  };
  const undo = (): void => {
    if (isBusy()) return;
    for (const { said } of unique(shown)) said.pop()?.item.remove();
    draw();
  };
  head.append(
    button("Undo", undo, "Undo the last turn"),
    button("Start over", () => {
      if (!isBusy()) startOver();
    }),
    button(
      "Save",
      () => {
        save(unique(shown));
      },
      "Save as a file",
    ),
  );
  box.append(head, side);

  return {
    element: box,
    showLanes: (lanes) => {
      shown = lanes;
      draw();
    },
    startOver,
    begin: (question, lanes) => {
      const begun = lanes.map((lane) => {
        const conversation = conversationOf(lane);
        const turns = turnsOf(conversation);
        const reply = makeReply();
        const item = create("li");
        const words = create("p", "question", question);
        if (conversation.said.length === 0) item.append(thumbnail());
        item.append(words, reply.element);
        conversation.list.append(item);
        conversation.said.push({ question, reply, item });
        return { work: { kind: "chat", conversation: conversation.id, turns, question } as const, reply, item };
      });
      draw();
      begun[0]?.item.scrollIntoView({ block: "nearest" });
      return {
        works: begun.map(({ work }) => work),
        replies: begun.map(({ reply }) => reply),
        end: () => {
          for (const { reply, item } of begun) item.classList.toggle("left-out", reply.answer() === null);
          begun[0]?.item.scrollIntoView({ block: "nearest" });
        },
      };
    },
  };
}

/** The turns of a conversation that have an answer. */
function turnsOf({ said }: Conversation): readonly Turn[] {
  return said.flatMap(({ question, reply }) => {
    const answer = reply.answer();
    return answer === null ? [] : [{ question, answer: answer.text }];
  });
}

function save(conversations: readonly Conversation[]): void {
  const content = conversations.map((one) => ({ ...one.lane, turns: turnsOf(one) }));
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(content, null, 2)}\n`], { type: "application/json" }));
  const link = create("a");
  link.href = url;
  link.download = "conversation.json";
  link.click();
  URL.revokeObjectURL(url);
}
