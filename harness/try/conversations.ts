/**
 * Conversations that a checkpoint goes on with, and with them the keys and values of what was said. The page says each time what
 * was said so far: where that is something else than is kept here, the conversation is begun again with it.
 */
import type { TriedConversation } from "./answer-question.ts";
import type { Turn, Work } from "./wire.ts";

const most = 4; // each holds keys and values of hundreds of tokens

export class Conversations {
  /** By their names, the one that rested longest first. */
  readonly #kept = new Map<string, TriedConversation>();

  /** `begin` gives one with these turns. */
  at(
    { conversation: name, turns }: Extract<Work, { kind: "chat" }>,
    begin: () => TriedConversation,
  ): TriedConversation {
    const found = this.#kept.get(name);
    this.#kept.delete(name);
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
