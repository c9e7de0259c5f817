/**
 * All output to the user: results on stdout, messages and progress on stderr. On a terminal, progress is one line that
 * is overwritten; elsewhere a plain line is printed now and then.
 */
import { Writable } from "node:stream";
import { visibleControls } from "../../reports/tables/visible-controls.ts";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import type { Progress } from "../evaluation/watcher.ts";
import { imageProtocolOf } from "./show/terminal-image.ts";
import type { ImageProtocol } from "./show/terminal-image.ts";
import { clearing, cutToWidth } from "./live-line.ts";

/** The parts of a writable stream that are used here; process.stdout and process.stderr have them. */
export interface Output {
  readonly isTTY?: boolean;
  /** Width of a terminal; unset: not a terminal, or unknown. */
  readonly columns?: number;
  readonly write: (text: string) => unknown;
}

export interface TerminalOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stdout has been closed by its reader; unset: no. */
  readonly isOutputLost?: () => boolean;
  readonly isQuiet: boolean;
  /** Whether --no-color was given. */
  readonly noColor: boolean;
  /** A clock in milliseconds with any origin. */
  readonly now: () => number;
}

/** Progress of some work. */
export interface Advance {
  readonly work: string;
  readonly isLast: boolean;
  readonly line: (elapsedMs: number) => string;
}

const plainLineMs = 10_000;
const liveLineMs = 100; // more frequent updates cannot be read

export class Terminal {
  readonly #options: TerminalOptions;
  readonly #isLive: boolean;
  /** The current progress line; "" where there is none. */
  #line = "";
  #shownMs = Number.NEGATIVE_INFINITY;
  #start: { readonly work: string; readonly ms: number } | null = null;

  constructor(options: TerminalOptions) {
    const { stderr, env } = options;
    this.#options = options;
    this.#isLive = stderr.isTTY === true && env["TERM"] !== "dumb" && !isSet(env["CI"]);
  }

  /** Prints a result: one or several lines. */
  result(text: string): void {
    this.exactly(`${this.#inert(text)}\n`);
  }

  /** Prints a part of a line of the result at once. */
  piece(text: string): void {
    this.exactly(this.#inert(text));
  }

  /** Prints what is meant to act: escapes that show an image, commands for a CI system. */
  exactly(text: string): void {
    this.#clear();
    this.#options.stdout.write(text);
  }

  /** Whether stdout is a terminal, on which a person reads the result as it appears. */
  get isRead(): boolean {
    return this.#options.stdout.isTTY === true;
  }

  /** How stdout shows images; null: it does not, or nobody knows. */
  get images(): ImageProtocol | null {
    return this.isRead ? imageProtocolOf(this.#options.env) : null;
  }

  /** Whether stdout is closed, so that work which only produces output can stop. */
  get isOutputLost(): boolean {
    return this.#options.isOutputLost?.() === true;
  }

  /** stdout as a stream for line editing on a terminal. */
  editable(): Writable {
    const { stdout } = this.#options;
    const writable = new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, done) => {
        this.#clear();
        stdout.write(text);
        done();
      },
    });
    return Object.defineProperty(writable, "columns", { get: () => stdout.columns });
  }

  /** Prints a message, unless --quiet was given. */
  note(text: string): void {
    if (!this.#options.isQuiet) this.message(text);
  }

  message(text: string): void {
    this.#clear();
    this.#options.stderr.write(`${this.#inert(text)}\n`);
  }

  error(text: string): void {
    const { stderr } = this.#options;
    this.#clear();
    stderr.write(`${paint("error:", "31", this.#hasColor(stderr))} ${this.#inert(text)}\n`);
  }

  progress(progress: Progress): void {
    const isLast = progress.done === progress.samples;
    this.advance({ work: progress.run, isLast, line: (elapsedMs) => progressLine(progress, elapsedMs) });
  }

  /** Shows progress of short work. Only on a terminal, where the line can be overwritten. */
  step({ work, done, total, what }: { work: string; done: number; total: number; what: string }): void {
    if (!this.#isLive) return;
    this.advance({ work, isLast: false, line: () => `${work}: ${done} of ${total} ${what}` });
  }

  /** Shows the progress of weight conversion, and warnings about damaged or unwritable caches. */
  preparation(event: PreparationEvent): void {
    if (event.kind === "damaged") {
      this.message(event.message);
      return;
    }
    if (event.kind === "note") {
      this.note(event.message);
      return;
    }
    const isLast = event.doneBytes === event.totalBytes;
    this.advance({ work: event.what, isLast, line: (elapsedMs) => preparationLine(event, elapsedMs) });
  }

  /** Shows progress of longer work. `line`: makes the text from the elapsed time. */
  advance({ work, isLast, line: lineAfter }: Advance): void {
    if (this.#options.isQuiet) return;
    const now = this.#options.now();
    if (this.#start?.work !== work) {
      this.#start = { work, ms: now };
      this.#shownMs = Number.NEGATIVE_INFINITY;
    }
    if (!isLast && now - this.#shownMs < (this.#isLive ? liveLineMs : plainLineMs)) return;
    this.#shownMs = now;
    const line = visibleControls(lineAfter(now - this.#start.ms));
    if (this.#isLive && !isLast) {
      const { stderr } = this.#options;
      const shown = cutToWidth(line, stderr.columns);
      stderr.write(`${clearing(this.#line, stderr.columns)}${shown}`);
      this.#line = shown;
    } else {
      this.message(line);
    }
  }

  /**
   * Texts and names from models and data can neither act on a terminal nor, in a job of GitHub Actions, become a workflow
   * command, which is a line that begins with `::` or `##[`. JSON stays the same value: its strings may hold such escapes.
   */
  #inert(text: string): string {
    const visible = visibleControls(text);
    return isSet(this.#options.env["GITHUB_ACTIONS"]) ? visible.replace(/^(?=\s*(?:::|##\[))/gm, "\\") : visible;
  }

  #clear(): void {
    const { stderr } = this.#options;
    if (this.#line !== "") stderr.write(clearing(this.#line, stderr.columns));
    this.#line = "";
  }

  /**
   * Whether to use colours: see no-color.org; FORCE_COLOR as in Node, where any value but 0 and false turns them on.
   */
  #hasColor(output: Output): boolean {
    const { env, noColor } = this.#options;
    if (noColor || isSet(env["NO_COLOR"])) return false;
    const force = env["FORCE_COLOR"];
    if (force !== undefined) return force !== "0" && force !== "false";
    return output.isTTY === true && env["TERM"] !== "dumb";
  }
}

/** `shapes-opt-base vqav2: 412 of 991 samples, 8.3 a second, 1:10 left, 2 failed`; the rate is that since it was started. */
function progressLine({ run, before, done, samples, failed, beside }: Progress, elapsedMs: number): string {
  const parts = [`${run}: ${done} of ${samples} samples`];
  const perSecond = ((done - before) * 1000) / elapsedMs;
  if (done > before && Number.isFinite(perSecond)) {
    parts.push(`${perSecond < 10 ? perSecond.toFixed(1) : perSecond.toFixed(0)} a second`);
    if (done < samples) parts.push(`${clockTime((samples - done) / perSecond)} left`);
    else parts.push(`in ${clockTime(elapsedMs / 1000)}`);
  }
  if (failed > 0) parts.push(`${failed} failed`);
  if (beside !== undefined) parts.push(beside);
  return parts.join(", ");
}

/** `shapes-opt-base: int8 weights: 120 of 3900 MB, 0:12 left` */
function preparationLine(
  { what, doneBytes, totalBytes }: PreparationEvent & { kind: "written" },
  elapsedMs: number,
): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(totalBytes < 1e7 ? 1 : 0);
  const line = `${what}: ${megabytes(doneBytes)} of ${megabytes(totalBytes)} MB`;
  const seconds = (elapsedMs / 1000) * ((totalBytes - doneBytes) / doneBytes);
  return doneBytes < totalBytes && seconds > 0 ? `${line}, ${clockTime(seconds)} left` : line;
}

/** 1:05, or 2:01:05 from an hour on. */
export function clockTime(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function paint(text: string, code: string, isColored: boolean): string {
  return isColored ? `\u001b[${code}m${text}\u001b[0m` : text;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}
