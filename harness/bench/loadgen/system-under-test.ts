/** The words between the load generator and what it measures: LoadGen's QuerySample, QuerySampleResponse and SystemUnderTest. */

/** One sample of a query. */
export interface QuerySample {
  /** Unique in a run: says which sample an answer is for. */
  readonly id: number;
  /** Place in the library of samples. */
  readonly index: number;
}

export interface SampleAnswer {
  readonly id: number;
  /** null: the sample failed. */
  readonly text: string | null;
  /** Why it failed. */
  readonly error?: string;
  /** Generated tokens; 0 where nothing is generated. */
  readonly tokens: number;
  /** Texts that were matched with the image; unset: none. */
  readonly pairs?: number;
  readonly timing: SampleTiming;
}

/** By the generator's clock; all of a batch share their times. null: not measured. */
export interface SampleTiming {
  /** When the model began with the sample's batch. */
  readonly startedNs: number | null;
  /** When it was done with it; unset: not measured. */
  readonly finishedNs?: number;
  /** When the first token was there, and each one behind it. */
  readonly tokensNs: readonly number[];
  /** Milliseconds by stage, a batch's time divided by its samples. */
  readonly stagesMs: Readonly<Record<string, number>>;
}

export interface AnswerListener {
  /** Samples whose answers have just arrived. */
  readonly answered: (answers: readonly SampleAnswer[]) => void;
  /** The system under test is no more, and why. No answer comes after that. */
  readonly gone: (reason: string) => void;
}

export interface SystemUnderTest {
  readonly name: string;
  /** Takes a query and comes back at once; its answers arrive at the listener, in any order. */
  readonly issue: (query: readonly QuerySample[]) => void;
  /** `listener` gets the answers from now on. */
  readonly listen: (listener: AnswerListener) => void;
}
