/**
 * Ctrl-C ends a run between two batches: everything so far is kept. A second one ends it at once; the folder can be gone
 * on with all the same, for a batch that is half written is dropped when it is read.
 */

/** As shells have it: 128 and the signal's number. SIGHUP: the terminal is closed. */
export const signalCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export type StopSignal = keyof typeof signalCodes;

/** What listens for SIGHUP in a process that was told to outlive its terminal: there it stops nothing. */
export function ignoreHangup(): void {
  // Without a listener the signal would end the process.
}

/** Calls back for each of them until it is disposed. */
export function onStopSignal(listener: (signal: StopSignal) => void): () => void {
  const isIgnored = process.listeners("SIGHUP").includes(ignoreHangup);
  const all = Object.keys(signalCodes) as StopSignal[]; // its keys
  const signals = all.filter((signal) => !(isIgnored && signal === "SIGHUP"));
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}

/** Ends this process at once, as the signal does by itself: nothing of it runs any more, and shells see that it was stopped. */
export function endBy(signal: StopSignal): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** npm passes Ctrl-C on to a process that has got it from the terminal already: twice within this time is once. */
export const sameKeyMs = 500;

export interface Interrupt {
  /** The code to exit with; null as long as nobody wants to end the run. */
  readonly exitCode: () => number | null;
  readonly dispose: () => void;
}

/** `onFirst` is for telling the user. SIGTERM and SIGHUP are as Ctrl-C. */
export function watchInterrupt(onFirst: () => void): Interrupt {
  let first: { readonly code: number; readonly ms: number } | null = null;
  const stopListening = onStopSignal((signal) => {
    const ms = performance.now();
    if (first === null) {
      first = { code: signalCodes[signal], ms };
      onFirst();
    } else if (ms - first.ms > sameKeyMs) {
      endBy(signal);
    }
  });
  return {
    exitCode: () => first?.code ?? null,
    dispose: stopListening,
  };
}
