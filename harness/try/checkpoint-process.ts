/** A checkpoint in a separate process, which can be killed at any time, also while it loads. */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import { Remote } from "../processes/remote.ts";
import type { CheckpointEvent, CheckpointPlace, CheckpointService, Question, Said } from "./checkpoint-service.ts";
import { CancelledError } from "./fair-queue.ts";

export interface AnswerOptions {
  readonly signal: AbortSignal;
  /** Called with the whole text so far, each time it grows. */
  readonly onText: (text: string) => void;
}

const usualEntry = fileURLToPath(new URL(`./serve-own-checkpoint${extname(import.meta.url)}`, import.meta.url));

export class CheckpointProcess {
  readonly #remote: Remote<CheckpointService, CheckpointEvent>;

  /** `entry`: the file that the process runs, which must call serveCheckpoint; null: serve-own-checkpoint.ts. */
  constructor(name: string, entry: string | null) {
    this.#remote = new Remote({ entry: entry ?? usualEntry, words: { load: () => "the model", answer: describe } });
    this.#remote.name = name;
  }

  get isGone(): boolean {
    return this.#remote.end !== null;
  }

  /** Throws what loading throws, and a ModelProcessError where the process ends while it loads. */
  async load(place: CheckpointPlace, onPreparation: (event: PreparationEvent) => void): Promise<void> {
    const onEvent = (event: CheckpointEvent): void => {
      if (event.kind === "preparation") onPreparation(event.event);
    };
    await this.#remote.call("load", [place], { onEvent });
  }

  /** Throws a CancelledError once the signal is aborted, or what answering throws. */
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

  /** Kills the process at once, even in the middle of work. */
  kill(): Promise<void> {
    return this.#remote.kill();
  }
}

/** Names, for an error message, the question that was being answered when the process ended. */
function describe({ work }: Question): string {
  if (work.kind === "caption") return "a caption";
  return work.kind === "match" ? `${work.texts.length} texts` : "an answer";
}
