/** The generator's clock: monotonic, nanoseconds from its making. Tests have one that runs by itself (virtual time). */
import { Sleeper } from "./sleeper.ts";

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

/**
 * What is left of a wait when the sleeper is to wake: it is late by less than this on an idle machine, and the rest is spent
 * turning the event loop, which takes a processor from the model.
 */
const sleeperSlackNs = 0.3e6;
/** The same of the event loop's timers, which stand in where the sleeper is not free. */
const timerSlackNs = 2e6;

let sleeper: Sleeper | null = null; // one for all clocks

export function systemClock(): SystemClock {
  const origin = process.hrtime.bigint();
  const nowNs = (): number => Number(process.hrtime.bigint() - origin);
  return {
    nowNs,
    fromMonotonic: (monotonicNs) => Number(monotonicNs - origin),
    sleepUntil: async (timeNs) => {
      sleeper ??= new Sleeper();
      const leftNs = timeNs - nowNs();
      const sleepMs = Math.floor((leftNs - timerSlackNs) / 1e6);
      if (leftNs > sleeperSlackNs && sleeper.isFree) {
        await sleeper.sleepUntil(origin + BigInt(Math.floor(timeNs - sleeperSlackNs)));
      } else if (sleepMs > 0) await new Promise((resolve) => setTimeout(resolve, sleepMs));
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
