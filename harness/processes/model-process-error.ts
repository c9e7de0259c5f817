/** A model's process that ended unasked, such as by a crash. Says how it ended and what it was computing. */
import type { ChildEnd } from "./start-child.ts";

export class ModelProcessError extends Error {
  override readonly name = "ModelProcessError";
  /** The end alone, without the process's number and what was asked: `was ended by SIGKILL`. */
  readonly how: string;

  constructor(message: string, how: string) {
    super(message);
    this.how = how;
  }
}

export interface ProcessEnd extends ChildEnd {
  /** What was being asked: `answers to 8 requests, from image 1953 on`; null: nothing. */
  readonly asked: string | null;
}

/** `what`: the model and its process. */
export function processEnded(what: string, { asked, code, signal, lastWords }: ProcessEnd): ModelProcessError {
  const how = signal === null ? `ended with exit code ${code ?? "unknown"}` : `was ended by ${signal}`;
  const when = asked === null ? "while nothing was asked of it" : `while asked for ${asked}`;
  const isMemory = signal === "SIGKILL" || signal === "SIGABRT" || code === 134 || code === 137;
  const advice = isMemory
    ? " Memory may have run out: give it fewer --workers, a smaller --batch-size or another --precision."
    : "";
  const words = lastWords.trim();
  const message = `${what} ${how} ${when}.${advice}`;
  return new ModelProcessError(words === "" ? message : `${message}\nIts last words: ${words}`, how);
}
