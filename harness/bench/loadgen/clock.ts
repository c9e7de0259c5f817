/** The generator's clock: monotonic, nanoseconds from its making. Tests have one that runs by itself (virtual time). */
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { Sleeper } from "./sleeper.ts";

export interface Clock {
  readonly nowNs: () => number;
  /** Resolves when `sleepUntil` is as exact as it gets: when the thread that wakes it has started. */
  readonly ready: () => Promise<void>;
  /** Resolves at this time, or right after it. Until then the event loop turns, so that answers are taken when they arrive. */
  readonly sleepUntil: (timeNs: number) => Promise<void>;
  /** Calls back once, at about this time; the function that it gives cancels that. */
  readonly callAt: (timeNs: number, call: () => void) => () => void;
}

export interface SystemClock extends Clock {
  /** A time of process.hrtime.bigint(), read in any process of the machine, as a time of this clock. */
  readonly fromMonotonic: (monotonicNs: bigint) => number;
}

/**
 * What is left of a wait when the sleeper is to wake: as much as it was late of late, and never less than this. The rest is
 * spent turning the event loop, which takes a processor from the model, so it may be this share of the wait at most. With
 * one processor in all nothing is spent so: the model, whose answer may be what is waited for, would not run meanwhile.
 */
const leastSlackNs = 0.5e6;
const mostSlackShare = 0.05;
/** What is left of a wait when a timer of the event loop wakes, which stands in where the sleeper is not free. */
const timerSlackNs = 2e6;
/** Code that has just begun is slow, and is interrupted by its own compilation: `ready` waits and waits, for so long. */
const rehearsalMs = 250;

let sleeper: Sleeper | null = null; // one for all clocks

/** `processors`: how many this process and the model's share. */
export function systemClock({ processors = usableProcessors() } = {}): SystemClock {
  const maySpin = processors > 1;
  const origin = process.hrtime.bigint();
  const nowNs = (): number => Number(process.hrtime.bigint() - origin);
  const clock: SystemClock = {
    nowNs,
    fromMonotonic: (monotonicNs) => Number(monotonicNs - origin),
    ready: async () => {
      sleeper ??= new Sleeper();
      await sleeper.ready;
      const endNs = nowNs() + rehearsalMs * 1e6;
      while (nowNs() < endNs) await clock.sleepUntil(nowNs() + 1e6);
    },
    sleepUntil: async (timeNs) => {
      sleeper ??= new Sleeper();
      const leftNs = timeNs - nowNs();
      const slackNs = maySpin ? Math.max(leastSlackNs, Math.min(sleeper.lateNs, leftNs * mostSlackShare)) : 0;
      const timerMs = maySpin ? Math.floor((leftNs - timerSlackNs) / 1e6) : Math.ceil(leftNs / 1e6);
      if (leftNs > slackNs && sleeper.isFree) {
        await sleeper.sleepUntil(origin + BigInt(Math.ceil(timeNs - slackNs)));
      } else if (timerMs > 0) await new Promise((resolve) => setTimeout(resolve, timerMs));
      await turnFor((timeNs - nowNs()) / 1e6);
      while (nowNs() < timeNs); // what the two clocks differ by, under a microsecond
    },
    callAt: (timeNs, call) => {
      const timer = setTimeout(call, Math.max(0, Math.ceil((timeNs - nowNs()) / 1e6)));
      return () => {
        clearTimeout(timer);
      };
    },
  };
  return clock;
}

/** Turns the event loop for so long. Makes little garbage: a collection of it takes longer than all of this may be late. */
function turnFor(durationMs: number): Promise<void> {
  const endMs = performance.now() + durationMs;
  return new Promise((resolve) => {
    const turn = (): void => {
      if (performance.now() < endMs) setImmediate(turn);
      else resolve();
    };
    turn();
  });
}
