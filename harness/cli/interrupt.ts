/**
 * The first Ctrl-C ends a run after the current batch, and everything so far is kept. A second one ends it at once. The
 * run can be resumed in either case, since a half-written batch is dropped on reading.
 */

/** Exit codes as in shells: 128 plus the number of the signal. SIGHUP means that the terminal was closed. */
export const signalCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export type StopSignal = keyof typeof signalCodes;

/** Listener for SIGHUP in a process that was started to outlive its terminal: it does nothing. */
export function ignoreHangup(): void {
  // Without a listener SIGHUP would end the process.
}

/** Calls back for each of these signals until the returned function is called. */
export function onStopSignal(listener: (signal: StopSignal) => void): () => void {
  const isIgnored = process.listeners("SIGHUP").includes(ignoreHangup);
  const all = Object.keys(signalCodes) as StopSignal[]; // Object.keys loses the type of the keys
  const signals = all.filter((signal) => !(isIgnored && signal === "SIGHUP"));
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}

/** Ends this process at once by the signal's default action, so that shells see which signal ended it. */
export function endBy(signal: StopSignal): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/**
 * npm forwards Ctrl-C to a process that received it from the terminal already: two signals within this time count as
 * one.
 */
export const sameKeyMs = 500;

export interface Interrupt {
  /** The code to exit with; null as long as no signal has come. */
  readonly exitCode: () => number | null;
  readonly dispose: () => void;
}

/** Watches for Ctrl-C, SIGTERM and SIGHUP. `onFirst` is called at the first signal, to tell the user. */
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
