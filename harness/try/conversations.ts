/**
 * Conversations that a checkpoint goes on with, and with them the keys and values of what was said. The page says each time what
 * was said so far: turns it has taken back are taken back here, and where it knows others, the conversation begins again with those.
 */
import type { Conversation, Turn } from "../library/api.ts";
import type { Work } from "./wire.ts";

const most = 4; // each holds keys and values of hundreds of tokens

export class Conversations {
  /** By their names, the one that rested longest first. */
  readonly #kept = new Map<string, Conversation>();

  /** `begin` gives one with these turns. */
  at({ conversation: name, turns }: Extract<Work, { kind: "chat" }>, begin: () => Conversation): Conversation {
    const found = this.#kept.get(name);
    this.#kept.delete(name);
    while (found !== undefined && found.turns.length > turns.length) found.undo();
    const conversation = found !== undefined && areSame(found.turns, turns) ? found : begin();
    this.#kept.set(name, conversation);
    if (this.#kept.size > most) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    return conversation;
  }
}

function areSame(a: readonly Turn[], b: readonly Turn[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ question, answer }, at) => question === b[at]?.question && answer === b[at].answer)
  );
}
