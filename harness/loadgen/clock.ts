/** The generator's clock: monotonic, nanoseconds from its making. Tests have one that runs by itself (virtual time). */

export interface Clock {
  readonly nowNs: () => number;
  /** Comes back at this time, or right after it. The event loop turns meanwhile: answers are taken when they arrive. */
  readonly sleepUntil: (timeNs: number) => Promise<void>;
  /** Calls once, at about this time, unless it is called off by what is given back. */
  readonly callAt: (timeNs: number, call: () => void) => () => void;
}

export interface SystemClock extends Clock {
  /** From process.hrtime.bigint(), of this process or another on the machine. */
  readonly fromMonotonic: (monotonicNs: bigint) => number;
}

/** Timers of the event loop are late by up to about this much, so the last of a wait is spent turning the loop. */
const timerSlackNs = 2e6;

export function systemClock(): SystemClock {
  const origin = process.hrtime.bigint();
  const nowNs = (): number => Number(process.hrtime.bigint() - origin);
  return {
    nowNs,
    fromMonotonic: (monotonicNs) => Number(monotonicNs - origin),
    sleepUntil: async (timeNs) => {
      const sleepMs = Math.floor((timeNs - timerSlackNs - nowNs()) / 1e6);
      if (sleepMs > 0) await new Promise((resolve) => setTimeout(resolve, sleepMs));
      while (nowNs() < timeNs) await new Promise((resolve) => setImmediate(resolve));
    },
    callAt: (timeNs, call) => {
      const timer = setTimeout(call, Math.max(0, Math.ceil((timeNs - nowNs()) / 1e6)));
      return () => {
        clearTimeout(timer);
      };
    },
  };
}
