/**
 * Time that passes when nothing else is to be done, and a system under test with known latencies on it: what takes an hour by
 * this clock takes a moment, and every latency is exact.
 */
import type { Clock } from "../../harness/bench/loadgen/clock.ts";
import type { AnswerListener, QuerySample, SystemUnderTest } from "../../harness/bench/loadgen/system-under-test.ts";

interface Timer {
  readonly timeNs: number;
  readonly call: () => void;
}

export class VirtualClock implements Clock {
  #nowNs = 0;
  readonly #timers = new Set<Timer>();

  readonly nowNs = (): number => this.#nowNs;

  readonly ready = (): Promise<void> => Promise.resolve();

  readonly sleepUntil = (timeNs: number): Promise<void> =>
    timeNs <= this.#nowNs ? Promise.resolve() : new Promise((resolve) => void this.callAt(timeNs, resolve));

  readonly callAt = (timeNs: number, call: () => void): (() => void) => {
    const timer = { timeNs: Math.max(timeNs, this.#nowNs), call };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** Lets time pass until the work is done. Fails where it waits for something that never comes. */
  async until<Value>(work: Promise<Value>): Promise<Value> {
    const state = { isDone: false };
    const done = (): void => {
      state.isDone = true;
    };
    work.then(done, done);
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (state.isDone) return work;
      let next: Timer | null = null;
      for (const timer of this.#timers) if (next === null || timer.timeNs < next.timeNs) next = timer;
      if (next === null) throw new Error("nothing is left to happen, and the work is not done");
      this.#timers.delete(next);
      this.#nowNs = next.timeNs;
      next.call();
    }
  }
}

export interface FakeSystem extends SystemUnderTest {
  readonly queries: (readonly QuerySample[])[];
}

export interface FakeSystemOptions {
  readonly clock: VirtualClock;
  /** Of the query with this number; null: it never answers. */
  readonly latencyNs: (query: number) => number | null;
  /** Whether a query waits for those before it. */
  readonly isSerial?: boolean;
  /** After this many queries it is gone. */
  readonly lives?: number;
}

export function fakeSystem({ clock, latencyNs, isSerial = false, lives = Infinity }: FakeSystemOptions): FakeSystem {
  const queries: (readonly QuerySample[])[] = [];
  let listener: AnswerListener = { answered: () => undefined, gone: () => undefined };
  let freeNs = 0;
  return {
    name: "fake",
    queries,
    listen: (next) => {
      listener = next;
    },
    issue: (query) => {
      queries.push(query);
      if (queries.length > lives) {
        listener.gone("the fake was ended by SIGKILL");
        return;
      }
      const latency = latencyNs(queries.length - 1);
      if (latency === null) return;
      const startedNs = isSerial ? Math.max(freeNs, clock.nowNs()) : clock.nowNs();
      freeNs = startedNs + latency;
      clock.callAt(freeNs, () => {
        const finishedNs = startedNs + latency;
        const timing = {
          startedNs,
          finishedNs,
          tokensNs: [startedNs + latency / 2, freeNs],
          stagesMs: { vision: latency / 1e6 },
        };
        listener.answered(query.map(({ id, index }) => ({ id, text: `answer ${index}`, tokens: 2, timing })));
      });
    },
  };
}
