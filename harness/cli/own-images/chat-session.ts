/**
 * A conversation at the command line. Each line is a question, or a command that begins with a slash. At a terminal,
 * answers appear word by word; elsewhere each answer is one line, and lines that cannot be answered are reported on
 * stderr and counted.
 */
import { CheckpointError, ImageError } from "../../../models/model.ts";
import type { Conversation, ConversationAnswer, GeneratingCheckpoint, TextOptions } from "../../library/types.ts";
import type { Input } from "../declared-command.ts";
import { onStopSignal, sameKeyMs, signalCodes } from "../interrupt.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { ChatCommands } from "./chat-commands.ts";
import { LineQueue } from "./line-queue.ts";
import { codeOf } from "./how-asked.ts";
import type { Answers } from "./how-asked.ts";
import { shownText } from "./shown-text.ts";

export interface ChatSessionParts {
  readonly checkpoint: GeneratingCheckpoint;
  readonly image: string;
  readonly options: TextOptions;
  readonly maxPixels: number | null;
  readonly terminal: Terminal;
  readonly input: Input;
  /** Whether a person types at a terminal and reads answers as they appear. */
  readonly isInteractive: boolean;
  readonly answers: Answers;
}

export class ChatSession {
  readonly #parts: ChatSessionParts;
  readonly #conversation: Conversation;
  readonly #commands: ChatCommands;
  readonly #lines: LineQueue;
  readonly #counts = { answered: 0, failed: 0 };
  #answering: AbortController | null = null;
  #exitCode: number | null = null;

  constructor(parts: ChatSessionParts) {
    const { checkpoint, image, options, maxPixels, terminal, input, isInteractive } = parts;
    this.#parts = parts;
    this.#conversation = checkpoint.chat(image, options);
    this.#commands = new ChatCommands(this.#conversation, { image, terminal, maxPixels });
    this.#lines = new LineQueue(input, {
      edited: isInteractive ? terminal.editable() : null,
      onInterrupt: () => {
        this.#interrupt(signalCodes.SIGINT);
      },
      onGone: () => {
        this.#interrupt(signalCodes.SIGHUP);
      },
    });
  }

  /** Gives the exit code. */
  async run(): Promise<number> {
    const { terminal, isInteractive, checkpoint, answers } = this.#parts;
    const stopListening = this.#listen();
    try {
      if (isInteractive)
        terminal.note(`A conversation with ${checkpoint.name} about ${this.#commands.image}. /help lists commands.`);
      if (checkpoint.family === "t5") {
        terminal.note("T5 reads each prompt whole: of the turns before, only the image is not computed again.");
      }
      while (this.#exitCode === null && !this.#commands.isOver && !terminal.isOutputLost) {
        const line = await this.#lines.next();
        if (line === null) break;
        if (line.trim() !== "") await this.#take(line.trim());
      }
      answers.end();
      if (this.#exitCode !== null) return this.#exitCode;
      if (isInteractive) return 0;
      if (this.#counts.answered + this.#counts.failed === 0) {
        throw new UsageError("chat: found no question on standard input, expected one a line.");
      }
      return codeOf(this.#counts);
    } finally {
      this.#lines.close();
      stopListening();
    }
  }

  /** Handles one line. Errors that the user can correct are printed, and the conversation continues. */
  async #take(line: string): Promise<void> {
    try {
      if (line.startsWith("/")) await this.#commands.perform(line);
      else await this.#ask(line);
    } catch (error) {
      if (![UsageError, ImageError, CheckpointError].some((kind) => error instanceof kind)) throw error;
      this.#counts.failed += 1;
      this.#parts.terminal.error((error as Error).message);
    }
  }

  async #ask(question: string): Promise<void> {
    const { terminal, isInteractive } = this.#parts;
    const answering = new AbortController();
    this.#answering = answering;
    const line = { isOpen: false };
    try {
      const answer = await this.#conversation.ask(question, {
        signal: answering.signal,
        ...(isInteractive && {
          onText: (piece: string) => {
            line.isOpen = true;
            terminal.piece(piece);
          },
        }),
      });
      this.#counts.answered += 1;
      this.#print(question, answer);
    } catch (error) {
      if (!answering.signal.aborted) throw error;
      if (line.isOpen) terminal.piece("\n");
      terminal.message("Stopped. This answer is not kept.");
    } finally {
      this.#answering = null;
    }
  }

  #print(question: string, answer: ConversationAnswer): void {
    const { terminal, isInteractive, answers, checkpoint } = this.#parts;
    const { text, score, droppedTurns, tokens, latencyMs } = answer;
    const shown = tokens === null ? null : { tokens, latencyMs };
    if (droppedTurns > 0) this.#sayDropped(droppedTurns);
    if (isInteractive) {
      terminal.piece("\n");
      if (shown !== null) terminal.result(shownText(shown));
      return;
    }
    const { name: model, precision } = checkpoint;
    const about = { model, precision, image: this.#commands.image };
    answers.add({ ...about, question, answer: text.replaceAll(/\s*\n\s*/g, " "), score, droppedTurns }, shown);
  }

  /** Tells the user when more turns than before are dropped. */
  #sayDropped(turns: number): void {
    if (turns === this.#commands.droppedTurns) return;
    this.#commands.droppedTurns = turns;
    const what = turns === 1 ? "The oldest turn was" : `The ${turns} oldest turns were`;
    this.#parts.terminal.message(`${what} left out of the prompt: the language model has no room for more.`);
  }

  #interrupt(code: number): void {
    const { isInteractive } = this.#parts;
    const isFirst = this.#answering?.signal.aborted === false;
    this.#answering?.abort();
    if (isFirst && isInteractive && code === signalCodes.SIGINT) return;
    this.#exitCode ??= code;
    this.#lines.close();
  }

  /** Listens for signals. A terminal in line-editing mode reports Ctrl-C as a key, all other inputs as a signal. */
  #listen(): () => void {
    let lastMs = Number.NEGATIVE_INFINITY;
    return onStopSignal((signal) => {
      const ms = performance.now();
      if (ms - lastMs > sameKeyMs) this.#interrupt(signalCodes[signal]);
      lastMs = ms;
    });
  }
}
