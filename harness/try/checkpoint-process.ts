/** A checkpoint in a process of its own, which can be ended at any time, also while it loads. */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import { Remote } from "../processes/remote.ts";
import type { CheckpointEvent, CheckpointPlace, CheckpointService, Question, Said } from "./checkpoint-service.ts";
import { CancelledError } from "./fair-queue.ts";

export interface AnswerOptions {
  readonly signal: AbortSignal;
  /** Told all that is there so far. */
  readonly onText: (text: string) => void;
}

const usualEntry = fileURLToPath(new URL(`./serve-own-checkpoint${extname(import.meta.url)}`, import.meta.url));

export class CheckpointProcess {
  readonly #remote: Remote<CheckpointService, CheckpointEvent>;

  /** `entry`: the file it runs, which calls serveCheckpoint; null: the one that loads a checkpoint. */
  constructor(name: string, entry: string | null) {
    this.#remote = new Remote({ entry: entry ?? usualEntry, words: { load: () => "the model", answer: describe } });
    this.#remote.name = name;
  }

  get isGone(): boolean {
    return this.#remote.end !== null;
  }

  /** Throws what loading throws, and a ModelProcessError where the process ends over it. */
  async load(place: CheckpointPlace, onPreparation: (event: PreparationEvent) => void): Promise<void> {
    const onEvent = (event: CheckpointEvent): void => {
      if (event.kind === "preparation") onPreparation(event.event);
    };
    await this.#remote.call("load", [place], { onEvent });
  }

  /** Throws a CancelledError after the signal, else what answering throws. */
  async answer(question: Question, { signal, onText }: AnswerOptions): Promise<Said> {
    const onEvent = (event: CheckpointEvent): void => {
      if (event.kind === "text") onText(event.text);
    };
    try {
      return (await this.#remote.call("answer", [question], { signal, onEvent })).value;
    } catch (error) {
      if (signal.aborted) throw new CancelledError("cancelled while it was answered");
      throw error;
    }
  }

  /** Ends the process at once, whatever it does. */
  kill(): Promise<void> {
    return this.#remote.kill();
  }
}

/** The words for an error: what was asked when the process ended. */
function describe({ work }: Question): string {
  if (work.kind === "caption") return "a caption";
  return work.kind === "match" ? `${work.texts.length} texts` : "an answer";
}
