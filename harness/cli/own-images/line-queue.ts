/**
 * Reads lines from a terminal or a file, one at a time; and Ctrl-C, which a terminal in line-editing mode reports as a
 * key.
 */
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import type { Writable } from "node:stream";
import { describeSystemCode } from "../../../reports/records/run-folder-error.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { Input } from "../declared-command.ts";

export interface LineQueueOptions {
  /** The terminal on which lines are edited; null: input is read without editing. */
  readonly edited: Writable | null;
  readonly onInterrupt: () => void;
  /** Called when the terminal that lines are edited on is gone. */
  readonly onGone: () => void;
}

export class LineQueue {
  readonly #lines: string[] = [];
  readonly #interface: Interface;
  readonly #isEdited: boolean;
  readonly #onGone: () => void;
  /** Why the input cannot be read; null: no problem. */
  #problem: string | null = null;
  #isLost = false;
  #count = 0;
  #waiting: ((line: string | null) => void) | null = null;
  #isClosed = false;

  constructor(input: Input, { edited, onInterrupt, onGone }: LineQueueOptions) {
    this.#isEdited = edited !== null;
    this.#onGone = onGone;
    this.#interface = createInterface({
      input,
      ...(edited !== null && { output: edited, terminal: true, historySize: 100 }),
      crlfDelay: Infinity,
    });
    this.#interface.setPrompt("> ");
    this.#interface.on("line", (typed) => {
      this.#count += 1;
      const line = this.#count === 1 ? typed.replace(/^\uFEFF/, "") : typed; // removes a byte order mark
      if (/[\u0000\uFFFD]/.test(line) && !this.#isEdited) {
        this.#problem = `standard input, line ${this.#count}: not UTF-8. Give it as UTF-8.`;
        this.#interface.close();
      } else if (this.#waiting === null) this.#lines.push(line);
      else this.#answer(line);
    });
    this.#interface.on("SIGINT", onInterrupt);
    this.#interface.on("error", (error: NodeJS.ErrnoException) => {
      this.#lose(error);
    });
    input.on("error", () => undefined); // errors can also occur after the interface is closed
    this.#interface.on("close", () => {
      this.#isClosed = true;
      if (this.#waiting !== null) this.#answer(null);
    });
  }

  /** The next line; null at the end. Throws a UsageError where the input is not UTF-8 or cannot be read further. */
  async next(): Promise<string | null> {
    const line = this.#lines.shift() ?? (this.#isClosed ? undefined : await this.#nextTyped());
    if (line !== undefined && line !== null) return line;
    if (this.#problem !== null) throw new UsageError(this.#problem);
    return null;
  }

  #nextTyped(): Promise<string | null> {
    if (this.#isEdited) this.#interface.prompt();
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  close(): void {
    this.#lines.length = 0;
    this.#interface.close();
  }

  /**
   * Handles a lost terminal. Closing the interface resets the terminal, which fails again; only the first error counts.
   */
  #lose({ code, message }: NodeJS.ErrnoException): void {
    if (this.#isLost) return;
    this.#isLost = true;
    if (this.#isEdited) this.#onGone();
    else this.#problem = `standard input cannot be read: ${code === undefined ? message : describeSystemCode(code)}.`;
    this.#interface.close();
  }

  #answer(line: string | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(line);
  }
}
