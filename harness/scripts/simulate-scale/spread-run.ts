/**
 * A run that is spread over machines, in virtual time: what happens is taken from a list in order of its time, and nothing
 * waits. Shards have their windows from the beginning; a queue hands them out. All times are seconds.
 */
import { controlWindow } from "../../evaluation/shard.ts";
import { drawKeys, randomShare } from "../../statistics/random.ts";

export interface Machine {
  /** Before its first window, and again after each death. */
  readonly loadS: number;
  /** How many times as long as the nominal machine it takes for a window. */
  readonly slowness: number;
}

export interface Deaths {
  /** Mean time between two deaths of a machine, exponentially distributed; Infinity: none dies. */
  readonly meanS: number;
  /** From a death until the machine loads the model again. */
  readonly restartS: number;
  readonly seed: number;
}

export const noDeaths: Deaths = { meanS: Infinity, restartS: 0, seed: 0 };

/**
 * When the last of n shards ends. Machine i asks windows i, i + n, … and the control window besides; the window during which
 * it dies is asked again.
 *
 * @param windows nominal seconds of each window
 */
export function shardsEndS(windows: readonly number[], machines: readonly Machine[], deaths: Deaths): number {
  const ends = machines.map(({ loadS, slowness }, index) => {
    const nextDeath = deathTimes(deaths, index);
    let [now, deathS] = [loadS, nextDeath(0)];
    for (const [number, nominalS] of windows.entries()) {
      if (number !== controlWindow && number % machines.length !== index) continue;
      while (now + nominalS * slowness > deathS) {
        const againS = Math.max(now, deathS) + deaths.restartS;
        now = againS + loadS;
        deathS = nextDeath(againS);
      }
      now += nominalS * slowness;
    }
    return now;
  });
  return Math.max(...ends);
}

export interface Queue {
  /** Time of Redis for one window; it serves one at a time. */
  readonly jobS: number;
  /** From a worker's death until its windows are in the queue again. */
  readonly lockS: number;
  /** Windows that a worker holds: one is computed, the others wait for it. */
  readonly atHand: number;
}

/**
 * When a queue's last window is answered. Windows of a dead worker come first again when their lock has run out.
 *
 * @param windows nominal seconds of each window
 */
export function queueEndS(
  windows: readonly number[],
  machines: readonly Machine[],
  { jobS, lockS, atHand }: Queue,
  deaths: Deaths,
): number {
  const agenda = new Agenda();
  const waiting = windows.map((_, number) => number).reverse(); // the next is the last, which is cheap to take
  const workers = machines.map((machine, index) => ({
    ...machine,
    held: [] as number[],
    life: 0,
    /** Of those held, the first so many have come from Redis. */
    delivered: 0,
    isLoaded: false,
    isComputing: false,
    nextDeath: deathTimes(deaths, index),
  }));
  type Worker = (typeof workers)[number];
  let [redisFreeS, open, endS] = [0, windows.length, 0];

  const inLife = (worker: Worker, timeS: number, call: () => void): void => {
    const { life } = worker;
    agenda.at(timeS, () => {
      if (worker.life === life) call();
    });
  };
  const take = (worker: Worker): void => {
    const number = worker.held.length < atHand ? waiting.pop() : undefined;
    if (number === undefined) return;
    worker.held.push(number);
    redisFreeS = Math.max(redisFreeS, agenda.nowS) + jobS;
    inLife(worker, redisFreeS, () => {
      worker.delivered += 1;
      compute(worker);
      take(worker);
    });
  };
  const compute = (worker: Worker): void => {
    const number = worker.held[0];
    if (worker.isComputing || worker.delivered === 0 || number === undefined) return;
    worker.isComputing = true;
    inLife(worker, agenda.nowS + windows[number]! * worker.slowness, () => {
      worker.isComputing = false;
      worker.held.shift();
      worker.delivered -= 1;
      open -= 1;
      endS = agenda.nowS;
      compute(worker);
      take(worker);
    });
  };
  const live = (worker: Worker): void => {
    inLife(worker, agenda.nowS + worker.loadS, () => {
      worker.isLoaded = true;
      take(worker);
    });
    const deathS = worker.nextDeath(agenda.nowS);
    if (deathS === Infinity) return;
    inLife(worker, deathS, () => {
      const lost = worker.held.splice(0);
      worker.life += 1;
      worker.delivered = 0;
      worker.isLoaded = false;
      worker.isComputing = false;
      agenda.at(agenda.nowS + lockS, () => {
        waiting.push(...lost);
        for (const each of workers) if (each.isLoaded) take(each);
      });
      agenda.at(agenda.nowS + deaths.restartS, () => {
        live(worker);
      });
    });
  };
  for (const worker of workers) live(worker);
  while (open > 0) agenda.next();
  return endS;
}

/** For machine `index`: a function from a time to the machine's next death after it. */
function deathTimes({ meanS, seed }: Deaths, index: number): (afterS: number) => number {
  const keys = drawKeys(seed, index);
  let place = 0;
  return (afterS) => (meanS === Infinity ? Infinity : afterS - meanS * Math.log(1 - randomShare(keys, place++)));
}

/** What is to happen, by time; of one time, in the order in which it was entered. */
class Agenda {
  nowS = 0;
  /** A binary heap: no entry comes before that at half its place. */
  readonly #heap: { readonly timeS: number; readonly order: number; readonly call: () => void }[] = [];
  #entered = 0;

  at(timeS: number, call: () => void): void {
    const heap = this.#heap;
    heap.push({ timeS, order: this.#entered++, call });
    for (let place = heap.length - 1; place > 0;) {
      const above = (place - 1) >> 1;
      if (!this.#isBefore(place, above)) return;
      this.#swap(place, above);
      place = above;
    }
  }

  next(): void {
    const heap = this.#heap;
    if (heap.length === 0) throw new Error("nothing is left to happen, and windows are open");
    this.#swap(0, heap.length - 1);
    const { timeS, call } = heap.pop()!;
    for (let place = 0; ;) {
      const [left, right] = [2 * place + 1, 2 * place + 2];
      let first = place;
      if (left < heap.length && this.#isBefore(left, first)) first = left;
      if (right < heap.length && this.#isBefore(right, first)) first = right;
      if (first === place) break;
      this.#swap(place, first);
      place = first;
    }
    this.nowS = timeS;
    call();
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one]!, this.#heap[other]!];
    return a.timeS < b.timeS || (a.timeS === b.timeS && a.order < b.order);
  }

  #swap(one: number, other: number): void {
    [this.#heap[one], this.#heap[other]] = [this.#heap[other]!, this.#heap[one]!];
  }
}
