/**
 * Starts a process that takes messages. It ends by itself when this process does. The last of what it prints is kept, for the
 * error that says how it ended.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";

/** Characters kept of what it writes. */
const lastWordsLength = 2000;

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** The end of what it wrote. */
  readonly lastWords: string;
}

export interface ChildListener {
  readonly onMessage: (message: unknown) => void;
  /** It did not start, or could not be told something. */
  readonly onError: (error: Error) => void;
  readonly onEnd: (end: ChildEnd) => void;
}

/** `entry`: the file it runs. */
export function startChild(entry: string, { onMessage, onError, onEnd }: ChildListener): ChildProcess {
  const child = fork(entry, { serialization: "advanced", stdio: ["ignore", "pipe", "pipe", "ipc"] });
  let lastWords = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      lastWords = (lastWords + text).slice(-lastWordsLength);
    });
  }
  child.on("message", onMessage);
  child.on("error", onError);
  // Not "exit": what it wrote last may come after that.
  child.on("close", (code, signal) => {
    onEnd({ code, signal, lastWords });
  });
  return child;
}
