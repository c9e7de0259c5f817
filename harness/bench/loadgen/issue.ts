/**
 * Issues queries as a scenario says and writes down when each was due, was issued and came back.
 *
 *   SingleStream   a query of one sample when the one before is done
 *   MultiStream    a query of eight samples when the one before is done
 *   Server         queries of one sample at the times of a Poisson process, however many are open
 *   Offline        one query with all samples, at once
 *
 * The times are those of `clock`, in a process that computes nothing, so a model that is busy delays no query.
 */
import type { Clock } from "./clock.ts";
import { overAllowed } from "./early-stopping.ts";
import type { QueryRecord, RunEnd, RunLog, SampleRecord } from "./run-log.ts";
import { offlineQuerySize, poissonArrivals, sampleChooser } from "./schedule.ts";
import type { LoadGenSettings } from "./settings.ts";
import type { AnswerListener, SampleAnswer, SystemUnderTest } from "./system-under-test.ts";

export interface IssueOptions {
  readonly settings: LoadGenSettings;
  /** Number of samples in the library. */
  readonly samples: number;
  readonly clock: Clock;
  /** Nanoseconds without an answer, while one is due, after which the run ends. */
  readonly stallNs: number;
  /** Asked between queries, and in Server and Offline between answers. */
  readonly isStopped?: () => boolean;
  readonly onAnswers?: (answered: number, issued: number) => void;
}

export async function runQueries(sut: SystemUnderTest, options: IssueOptions): Promise<RunLog> {
  const { settings, samples } = options;
  const book = new QueryBook(sut, options);
  try {
    if (settings.mode === "AccuracyOnly") {
      await book.ask(Array.from({ length: samples }, (_, index) => index));
      return book.log({ kind: "complete" }, null);
    }
    const choose = sampleChooser(settings, samples);
    switch (settings.scenario) {
      case "single-stream":
      case "multi-stream":
        return book.log(await oneAfterTheOther(book, choose, options), null);
      case "server":
        return book.log(await atTheirTimes(book, choose, options), null);
      case "offline": {
        const { count, wanted } = offlineQuerySize(settings, samples);
        await book.ask(choose(count));
        return book.log({ kind: count < wanted ? "cut short" : "complete" }, wanted);
      }
    }
  } finally {
    book.close();
  }
}

type Choose = (count: number) => readonly number[];

/** Each query is issued where the answer of the one before is taken: a promise between them would add to what the model takes. */
function oneAfterTheOther(book: QueryBook, choose: Choose, { settings }: IssueOptions): Promise<RunEnd> {
  const { minDurationMs, maxDurationMs, minQueryCount, maxQueryCount, samplesPerQuery } = settings;
  return new Promise((resolve, reject) => {
    let issued = 0;
    const askNext = (): void => {
      issued += 1;
      const issuedNs = book.nowNs();
      book.issue(choose(samplesPerQuery), issuedNs);
      book.whenDone(() => {
        const isLast = maxQueryCount > 0 && issued >= maxQueryCount;
        if (issued >= minQueryCount && issuedNs >= minDurationMs * 1e6) resolve({ kind: "complete" });
        else if (isLast || (maxDurationMs > 0 && book.nowNs() >= maxDurationMs * 1e6)) resolve({ kind: "cut short" });
        else if (!book.isOpen) resolve({ kind: "interrupted" });
        else {
          try {
            askNext();
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        }
      });
    };
    askNext();
  });
}

async function atTheirTimes(book: QueryBook, choose: Choose, { settings }: IssueOptions): Promise<RunEnd> {
  const arrivals = poissonArrivals(settings);
  const indices = choose(arrivals.length);
  if (settings.mode === "FindPeakPerformance") {
    const { targetLatencyPercentile: percentile } = settings;
    book.giveUpAfter(overAllowed(percentile, arrivals.length) ?? 0);
  }
  await book.ready();
  book.restart(); // drawing took time
  for (const [query, arrivalNs] of arrivals.entries()) {
    if (!book.isOpen) break;
    await book.waitUntil(arrivalNs);
    book.issue([indices[query]!], arrivalNs);
  }
  await book.allDone();
  const { minDurationMs, minQueryCount } = settings;
  const isWhole = arrivals.length >= minQueryCount && (arrivals.at(-1) ?? 0) >= minDurationMs * 1e6;
  return { kind: isWhole ? "complete" : "cut short" };
}

interface OpenSample {
  readonly query: QueryRecord;
  readonly sample: SampleRecord;
  /** Samples of the query that are not answered yet. */
  readonly rest: { count: number };
}

/** The queries of a run: what is open, what is done, and what ends it early. */
class QueryBook {
  readonly #sut: SystemUnderTest;
  readonly #options: IssueOptions;
  readonly #queries: QueryRecord[] = [];
  /** Open queries, by the ids of their samples that are not answered yet. */
  readonly #open = new Map<number, OpenSample>();
  #startNs: number;
  #samples = 0;
  /** Queries over the bound, and how many may be before the run is given up. */
  #late = 0;
  #lateAllowed = Number.POSITIVE_INFINITY;
  #lastSignNs = 0;
  #end: RunEnd | null = null;
  #whoWaits: (() => void) | null = null;
  #cancelWatch: () => void = () => undefined;

  constructor(sut: SystemUnderTest, options: IssueOptions) {
    this.#sut = sut;
    this.#options = options;
    this.#startNs = options.clock.nowNs();
    const listener: AnswerListener = {
      answered: (answers) => {
        this.#take(answers);
      },
      gone: (reason) => {
        this.#finish({ kind: "gone", reason });
      },
    };
    sut.listen(listener);
    this.#watch();
  }

  get isOpen(): boolean {
    return this.#end === null;
  }

  restart(): void {
    this.#startNs = this.#options.clock.nowNs();
    this.#lastSignNs = 0;
  }

  nowNs(): number {
    return this.#options.clock.nowNs() - this.#startNs;
  }

  ready(): Promise<void> {
    return this.#options.clock.ready();
  }

  giveUpAfter(late: number): void {
    this.#lateAllowed = late;
  }

  async waitUntil(timeNs: number): Promise<void> {
    await this.#options.clock.sleepUntil(this.#startNs + timeNs);
    this.#checkStop();
  }

  /** Issues a query that is due now and waits for its end. */
  async ask(indices: readonly number[]): Promise<void> {
    this.issue(indices, this.nowNs());
    await this.allDone();
  }

  issue(indices: readonly number[], scheduledNs: number): void {
    if (this.#end !== null) return;
    const samples = indices.map((index, place): SampleRecord => ({
      id: this.#samples + place,
      index,
      answer: null,
      completedNs: null,
    }));
    this.#samples += indices.length;
    if (this.#open.size === 0) this.#lastSignNs = this.nowNs();
    const query: QueryRecord = { scheduledNs, issuedNs: this.nowNs(), samples, completedNs: null };
    this.#queries.push(query);
    const rest = { count: samples.length };
    for (const sample of samples) this.#open.set(sample.id, { query, sample, rest });
    this.#sut.issue(samples.map(({ id, index }) => ({ id, index })));
  }

  /** Resolves when no query is open any more, or the run has ended. */
  allDone(): Promise<void> {
    return new Promise((resolve) => {
      this.whenDone(resolve);
    });
  }

  /** Calls back when no query is open any more, from where the last answer is taken, without a promise between. One can wait at a time. */
  whenDone(call: () => void): void {
    if (this.#open.size === 0 || this.#end !== null) call();
    else this.#whoWaits = call;
  }

  log(end: RunEnd, wantedSamples: number | null): RunLog {
    return { queries: this.#queries, end: this.#end ?? end, durationNs: this.nowNs(), wantedSamples };
  }

  close(): void {
    this.#end ??= { kind: "complete" };
    this.#cancelWatch();
  }

  #take(answers: readonly SampleAnswer[]): void {
    if (this.#end !== null) return;
    const nowNs = this.nowNs();
    this.#lastSignNs = nowNs;
    for (const answer of answers) {
      const open = this.#open.get(answer.id);
      if (open === undefined) continue; // of the warm-up
      this.#open.delete(answer.id);
      open.sample.answer = relative(answer, this.#startNs);
      open.sample.completedNs = nowNs;
      open.rest.count -= 1;
      if (open.rest.count > 0) continue;
      open.query.completedNs = nowNs;
      if (nowNs - open.query.scheduledNs > this.#options.settings.targetLatencyNs) this.#late += 1;
    }
    const { scenario, maxDurationMs } = this.#options.settings;
    if (this.#open.size === 0 || scenario !== "multi-stream") this.#checkStop();
    if (scenario === "server") {
      // An overloaded system may take any time for what is open; the verdict is clear before that.
      const isTooLate = maxDurationMs > 0 && nowNs > 2 * maxDurationMs * 1e6;
      if (isTooLate || this.#late > this.#lateAllowed) this.#finish({ kind: "cut short" });
    }
    if (this.#open.size === 0) this.#wake(); // the next query goes first
    this.#options.onAnswers?.(this.#samples - this.#open.size, this.#samples);
  }

  #wake(): void {
    const call = this.#whoWaits;
    this.#whoWaits = null;
    call?.();
  }

  #checkStop(): void {
    if (this.#options.isStopped?.() === true) this.#finish({ kind: "interrupted" });
  }

  #finish(end: RunEnd): void {
    this.#end ??= end;
    this.#cancelWatch();
    this.#wake();
  }

  /** Wakes up when the patience with the last sign of life would end, and looks whether there was another. */
  #watch(): void {
    const { clock, stallNs } = this.#options;
    const since = this.#open.size === 0 ? this.nowNs() : this.#lastSignNs;
    if (this.nowNs() - since >= stallNs) {
      const answered = this.#samples - this.#open.size;
      const waited = `${Number((stallNs / 1e9).toPrecision(3))} s`;
      const counts = `${answered} of ${this.#samples} samples answered`;
      this.#finish({ kind: "stalled", reason: `the model gave no answer for ${waited} and was ended; ${counts}` });
      return;
    }
    this.#cancelWatch = clock.callAt(this.#startNs + since + stallNs, () => {
      if (this.#end === null) this.#watch();
    });
  }
}

/** The times of an answer, from the start of the run instead of the clock's. */
function relative(answer: SampleAnswer, startNs: number): SampleAnswer {
  const { startedNs, finishedNs, tokensNs, stagesMs } = answer.timing;
  const timing = {
    ...(finishedNs !== undefined && { finishedNs: finishedNs - startNs }),
    startedNs: startedNs === null ? null : startedNs - startNs,
    tokensNs: tokensNs.map((timeNs) => timeNs - startNs),
    stagesMs,
  };
  return { ...answer, timing };
}
