/**
 * Outputs that take no more: a pipe whose reader stopped, a terminal that went away, a full disk. None of them stops a command,
 * least of all in the middle of a batch; what could not be printed is told at its end.
 */
import { closeSync } from "node:fs";
import { isatty } from "node:tty";
import { describeSystemCode } from "../../reports/records/run-folder-error.ts";
import { lostOutputCode } from "./exit-code.ts";

type Outputs = Readonly<Record<"stdout" | "stderr", NodeJS.WriteStream>>;

export interface WatchedOutputs {
  /** Whether nobody gets what is written to stdout from here on: what is done for that alone can end. */
  readonly isLost: () => boolean;
  /** Of a command that ended with `code`, from what became of its outputs. */
  readonly exitCode: (code: number) => Promise<number>;
}

export function watchOutputs({ stdout, stderr }: Outputs): WatchedOutputs {
  let isLost = false;
  let lost: string | null = null;
  const isTerminal = stdout.isTTY; // it cannot be asked any more when it is gone
  stdout.on("error", ({ code = "unknown" }: NodeJS.ErrnoException) => {
    isLost = true;
    // Who stops reading, as `head` does, has what it wanted; and nobody looks at a terminal that is gone.
    if (code !== "EPIPE" && !isTerminal) lost ??= code;
  });
  stderr.on("error", () => undefined);
  closeLostTerminals();
  return {
    isLost: () => isLost,
    exitCode: async (code) => {
      await new Promise((resolve) => setImmediate(resolve)); // the errors of the last writes come after them
      if (lost === null) return code;
      stderr.write(`error: standard output took not all of the result: ${describeSystemCode(lost)}.\n`);
      return code === 0 ? lostOutputCode : code;
    },
  };
}

/** At its end Node sets terminals back as it found them, and aborts where one is gone; one that is closed it passes over. */
function closeLostTerminals(): void {
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
  process.on("exit", () => {
    for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor);
  });
}
