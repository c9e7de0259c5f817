/**
 * Handles outputs that can no longer be written to: a pipe whose reader stopped, a closed terminal, a full disk. None
 * of them stops a command, and never in the middle of a batch; lost output is reported at the end.
 */
import { closeSync } from "node:fs";
import { isatty } from "node:tty";
import { describeSystemCode } from "../../reports/records/run-folder-error.ts";
import { lostOutputCode } from "./exit-code.ts";

type Outputs = Readonly<Record<"stdout" | "stderr", NodeJS.WriteStream>>;

export interface WatchedOutputs {
  /** Whether stdout is closed, so that work which only produces output can stop. */
  readonly isLost: () => boolean;
  /** The exit code of a command that ended with `code`, considering output that was lost. */
  readonly exitCode: (code: number) => Promise<number>;
}

export function watchOutputs({ stdout, stderr }: Outputs): WatchedOutputs {
  let isLost = false;
  let lost: string | null = null;
  const isTerminal = stdout.isTTY; // asked now, since it is not known any more once the terminal is gone
  stdout.on("error", ({ code = "unknown" }: NodeJS.ErrnoException) => {
    isLost = true;
    // A reader that stops, as `head` does, has all it wanted, and a closed terminal has no reader: neither is an error.
    if (code !== "EPIPE" && !isTerminal) lost ??= code;
  });
  stderr.on("error", () => undefined);
  closeLostTerminals();
  return {
    isLost: () => isLost,
    exitCode: async (code) => {
      await new Promise((resolve) => setImmediate(resolve)); // the errors of the last writes arrive a moment later
      if (lost === null) return code;
      stderr.write(`error: standard output took not all of the result: ${describeSystemCode(lost)}.\n`);
      return code === 0 ? lostOutputCode : code;
    },
  };
}

/** Closes terminals that are gone. On exit Node resets terminals, and it aborts where one is gone but still open. */
function closeLostTerminals(): void {
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
  process.on("exit", () => {
    for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor);
  });
}
