/**
 * A checkpoint in a process of its own: what it computes blocks nobody here, and it can be ended at any time, also while it
 * loads. It ends by itself when this process does.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import { processEnded } from "../processes/model-process-error.ts";
import { startChild } from "../processes/start-child.ts";
import { revived } from "../processes/told-error.ts";
import { isCheckpointReply } from "./checkpoint-messages.ts";
import type {
  CheckpointCall,
  CheckpointPlace,
  CheckpointReply,
  CheckpointWork,
  Question,
  Said,
} from "./checkpoint-messages.ts";
import { CancelledError } from "./fair-queue.ts";

export interface AnswerOptions {
  readonly signal: AbortSignal;
  /** Told all that is there so far. */
  readonly onText: (text: string) => void;
}

interface Waiting {
  /** For the error that tells of the process's end. */
  readonly asked: string;
  readonly onReply: (reply: CheckpointReply) => void;
  readonly refuse: (error: Error) => void;
}

const usualEntry = fileURLToPath(new URL(`./serve-own-checkpoint${extname(import.meta.url)}`, import.meta.url));

export class CheckpointProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #end: Error | null = null;

  /** `entry`: the file it runs, which calls serveCheckpoint; null: the one that loads a checkpoint. */
  constructor(name: string, entry: string | null) {
    this.#name = name;
    this.#child = startChild(entry ?? usualEntry, {
      onMessage: (message) => {
        if (isCheckpointReply(message)) this.#waiting.get(message.id)?.onReply(message);
      },
      onError: (error) => {
        this.#close(error);
      },
      onEnd: (end) => {
        const [first] = this.#waiting.values();
        const what = `${this.#name}: its process (pid ${this.#child.pid ?? "unknown"})`;
        this.#close(processEnded(what, { asked: first?.asked ?? null, ...end }));
      },
    });
  }

  get isGone(): boolean {
    return this.#end !== null;
  }

  /** Throws what loading throws, and a ModelProcessError where the process ends over it. */
  async load(place: CheckpointPlace, onPreparation: (event: PreparationEvent) => void): Promise<void> {
    await this.#ask({ kind: "load", place }, "the model", (reply) => {
      if (reply.kind === "preparation") onPreparation(reply.event);
      return reply.kind === "loaded" ? true : null;
    });
  }

  /** Throws a CancelledError after the signal, else what answering throws. */
  async answer(question: Question, { signal, onText }: AnswerOptions): Promise<Said> {
    const id = this.#calls;
    const cancel = (): void => {
      this.#send({ kind: "cancel", call: id });
    };
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return await this.#ask({ kind: "answer", question }, describe(question), (reply) => {
        if (reply.kind === "text") onText(reply.text);
        return reply.kind === "said" ? reply.said : null;
      });
    } catch (error) {
      if (signal.aborted) throw new CancelledError("cancelled while it was answered");
      throw error;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** Ends the process at once, whatever it does. */
  async kill(): Promise<void> {
    if (this.#end !== null) return;
    const closed = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await closed;
  }

  /** `take` gives the result, where the reply is it. */
  #ask<Result>(work: CheckpointWork, asked: string, take: (reply: CheckpointReply) => Result | null): Promise<Result> {
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, refuse) => {
      const id = this.#calls;
      const onReply = (reply: CheckpointReply): void => {
        const result = take(reply);
        if (result === null && reply.kind !== "error") return;
        this.#waiting.delete(id);
        if (result !== null) resolve(result);
        else if (reply.kind === "error") refuse(revived(reply.error));
      };
      this.#waiting.set(id, { asked, onReply, refuse });
      this.#send(work);
    });
  }

  #send(work: CheckpointWork): void {
    const call: CheckpointCall = { id: this.#calls, work };
    this.#calls += 1;
    if (this.#child.connected) this.#child.send(call, () => undefined); // "close" tells why it could not be sent
  }

  #close(end: Error): void {
    this.#end ??= end;
    for (const { refuse } of this.#waiting.values()) refuse(this.#end);
    this.#waiting.clear();
  }
}

/** The words for an error: what was asked when the process ended. */
function describe({ work }: Question): string {
  if (work.kind === "caption") return "a caption";
  return work.kind === "match" ? `${work.texts.length} texts` : "an answer";
}
