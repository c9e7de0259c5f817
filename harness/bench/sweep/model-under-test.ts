/**
 * A model in a process of its own as the system under test: queries wait here, in order, until the model is free, and go to it
 * in batches. How a batch is asked, and what its answers look like: subject.ts.
 */
import type { AnswerListener, QuerySample, SampleAnswer, SystemUnderTest } from "../loadgen/system-under-test.ts";
import type { SystemClock } from "../loadgen/clock.ts";
import type { TimedBatch, AskBatch } from "./subject.ts";

export interface ModelUnderTestOptions {
  readonly name: string;
  readonly ask: AskBatch;
  /** How many samples go to the model at a time, at most. */
  readonly batchSize: number;
  readonly clock: SystemClock;
}

export class ModelUnderTest implements SystemUnderTest {
  readonly name: string;
  readonly #options: ModelUnderTestOptions;
  readonly #waiting: QuerySample[] = [];
  /** Index in #waiting of the first sample that has not gone to the model. */
  #next = 0;
  #inFlight = 0;
  #onDone: () => void = () => undefined;
  #listener: AnswerListener = { answered: () => undefined, gone: () => undefined };

  constructor(options: ModelUnderTestOptions) {
    this.name = options.name;
    this.#options = options;
  }

  readonly listen = (listener: AnswerListener): void => {
    this.#listener = listener;
  };

  readonly issue = (query: readonly QuerySample[]): void => {
    for (const sample of query) this.#waiting.push(sample);
    this.#dispatch();
  };

  /** Forgets the samples that wait, and resolves when the model has answered those it has: a run that was cut short leaves both. */
  async clear(): Promise<void> {
    this.#waiting.length = 0;
    this.#next = 0;
    while (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#onDone = resolve));
  }

  /**
   * A batch goes to the model when it is free; a full one also while it computes another, so that its images are read meanwhile.
   * One that is not full waits for company.
   */
  #dispatch(): void {
    const { batchSize } = this.#options;
    for (;;) {
      const waiting = this.#waiting.length - this.#next;
      const mayGo = this.#inFlight === 0 ? waiting > 0 : this.#inFlight === 1 && waiting >= batchSize;
      if (!mayGo) break;
      const batch = this.#waiting.slice(this.#next, this.#next + batchSize);
      this.#next += batch.length;
      this.#inFlight += 1;
      void this.#ask(batch);
    }
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#next = 0;
    }
  }

  async #ask(batch: readonly QuerySample[]): Promise<void> {
    try {
      const answered = await this.#options.ask(batch.map(({ index }) => index));
      this.#inFlight -= 1;
      this.#dispatch(); // before the answers are looked at: the model waits for nothing
      this.#listener.answered(this.#answers(batch, answered));
      this.#onDone();
    } catch (error) {
      this.#inFlight = 0; // nor will the others be answered
      this.#listener.gone(error instanceof Error ? error.message : String(error));
      this.#onDone();
    }
  }

  #answers(batch: readonly QuerySample[], { answers, stamps }: TimedBatch): readonly SampleAnswer[] {
    const { clock } = this.#options;
    const [startedNs, finishedNs] = [clock.fromMonotonic(stamps.startedNs), clock.fromMonotonic(stamps.finishedNs)];
    const stepsNs = stamps.stepsNs.map((afterNs) => startedNs + afterNs);
    return batch.map(({ id }, place): SampleAnswer => {
      const { stagesMs, ...answer } = answers[place]!;
      const tokensNs = answer.text === null ? [] : stepsNs;
      return { id, ...answer, timing: { startedNs, finishedNs, tokensNs, stagesMs } };
    });
  }
}
