/**
 * A checkpoint by the library's words that answers at once, or word by word where it is asked to do so slowly: for tests of the
 * page and its server. What it says shows what it was asked.
 */
import { setTimeout } from "node:timers/promises";
import type {
  Conversation,
  GeneratedText,
  GeneratingCheckpoint,
  ImageInput,
  MatchingCheckpoint,
  TextOptions,
  Turn,
} from "../../harness/library/api.ts";
import type { AnyCheckpoint } from "../../harness/try/answer-question.ts";
import { CheckpointError } from "../../models/model.ts";

const slowWordMs = 60;

async function say(text: string, { signal, onText, sampling }: TextOptions): Promise<GeneratedText> {
  const start = performance.now();
  const pieces = text.split(" ").map((word, index) => (index === 0 ? word : ` ${word}`));
  let firstTextMs: number | null = null;
  for (const piece of pieces) {
    if (text.includes("slowly")) await setTimeout(slowWordMs);
    signal?.throwIfAborted();
    firstTextMs ??= performance.now() - start;
    onText?.(piece);
  }
  return {
    text,
    tokens: pieces.map((piece, id) => ({ id, text: piece, probability: 1 / (1 + id) })),
    score: sampling === undefined ? -0.25 : null,
    latencyMs: { imageDecode: 1.5, vision: 30, qFormer: 6, prefill: 9, decode: 20 },
    firstTextMs,
  };
}

/** `where` ends with "itm" for one that matches, "itg" for one that captions, too, "broken" for one that cannot be loaded. */
export function fakeTried(where: string, precision: string): AnyCheckpoint {
  if (where.endsWith("broken")) throw new CheckpointError(`${where}: no config.json in it.`);
  const about = { name: where, precision, release: () => Promise.resolve() };
  const caption: GeneratingCheckpoint["caption"] = (image, { prompt, ...options } = {}) => {
    const words = prompt === undefined || prompt === "" ? "an image" : prompt;
    return say(`${words} of ${image.length} bytes by ${where} ${precision}`, options);
  };
  const matching: MatchingCheckpoint = {
    ...about,
    kind: "retrieval",
    match: (_image, texts, { onLatency } = {}) => {
      onLatency?.({ vision: 30, matching: 12 });
      const scores = texts.map((text, index) => ({ text, matching: 1 / (2 + index), similarity: 0.1 * index }));
      return Promise.resolve(scores.map((each) => ({ ...each, matchingLogit: 0 })));
    },
  };
  if (where.endsWith("itm")) return matching;
  const asked = (): never => {
    throw new Error("a Q-Former was asked a question");
  };
  if (where.endsWith("itg")) return { ...matching, family: "itg", caption, ask: asked, chat: asked };
  return {
    ...about,
    kind: "generation",
    family: "opt",
    caption,
    ask: (_image, question, options = {}) => {
      if (question === "die") process.exit(7);
      if (question === "block") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700); // as a model does
      return say(`you asked: ${question}`, options);
    },
    chat: (image, { turns = [] } = {}) => new FakeConversation(image, turns),
  };
}

class FakeConversation implements Conversation {
  #turns: readonly Turn[];
  readonly #about: ImageInput;

  constructor(image: ImageInput, turns: readonly Turn[]) {
    this.#about = image;
    this.#turns = turns;
  }

  get turns(): readonly Turn[] {
    return this.#turns;
  }

  async ask(question: string, options: TextOptions = {}): ReturnType<Conversation["ask"]> {
    const said = await say(this.prompt(question), options);
    this.#turns = [...this.#turns, { question, answer: said.text }];
    return { ...said, droppedTurns: this.#turns.length > 3 ? 1 : 0 };
  }

  undo(): Turn | null {
    const last = this.#turns.at(-1) ?? null;
    this.#turns = this.#turns.slice(0, -1);
    return last;
  }

  reset(): void {
    this.#turns = [];
  }

  image(): void {
    this.reset();
  }

  prompt(question: string): string {
    return `turn ${this.#turns.length + 1}: ${question}`;
  }

  toJSON(): ReturnType<Conversation["toJSON"]> {
    const image = typeof this.#about === "string" ? this.#about : null;
    return { model: "fake", precision: "fp32", image, turns: this.#turns };
  }
}
