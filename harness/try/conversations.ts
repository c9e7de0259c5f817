/**
 * The conversations that a checkpoint keeps open, with the keys and values of their turns. Each request of the page
 * lists the turns so far: turns that the user has undone are undone here, too, and where the turns differ otherwise,
 * the conversation is begun again with those of the page.
 */
import type { Conversation, Turn } from "../library/api.ts";
import type { Work } from "./wire.ts";

const most = 4; // conversations kept; each holds keys and values of hundreds of tokens

export class Conversations {
  /** Conversations by name, the least recently used first. */
  readonly #kept = new Map<string, Conversation>();

  /** The conversation of this name with these turns. `begin` makes a new one. */
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
