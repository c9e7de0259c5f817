/**
 * Ctrl-C ends a run between two batches: everything so far is kept. A second one ends it at once; the folder can be gone
 * on with all the same, for a batch that is half written is dropped when it is read.
 */

/** As shells have it: 128 and the signal's number. */
export const signalCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/** npm passes Ctrl-C on to a process that has got it from the terminal already: twice within this time is once. */
export const sameKeyMs = 500;

export interface Interrupt {
  /** The code to exit with; null as long as nobody wants to end the run. */
  readonly exitCode: () => number | null;
  readonly dispose: () => void;
}

/** `onFirst` is for telling the user. SIGTERM is as Ctrl-C. */
export function watchInterrupt(onFirst: () => void): Interrupt {
  let first: { readonly code: number; readonly ms: number } | null = null;
  const onSignal = (signal: keyof typeof signalCodes): void => {
    const ms = performance.now();
    if (first === null) {
      first = { code: signalCodes[signal], ms };
      onFirst();
    } else if (ms - first.ms > sameKeyMs) {
      process.exit(signalCodes[signal]);
    }
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    exitCode: () => first?.code ?? null,
    dispose: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}
