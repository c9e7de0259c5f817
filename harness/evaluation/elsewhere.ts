/** Windows that other processes answer, in place of a model of this one: what a run needs to know of them. */
import type { Prediction, RecordedMachine, RunPlan } from "../../reports/records/run-record.ts";
import type { Sample } from "../../datasets/dataset.ts";
import type { NumberedWindow } from "./shard.ts";

export interface Elsewhere {
  /**
   * Answers of these windows as they come, in any order. An answer is forgotten there once the next one is asked for: it
   * must be on disk by then. Ends early where `isStopped`.
   */
  readonly answers: (
    windows: readonly NumberedWindow<Sample>[],
    about: AskedElsewhere,
  ) => AsyncGenerator<AnsweredWindow>;
}

export interface AskedElsewhere {
  readonly plan: RunPlan;
  /** Fingerprint of the samples of all windows. */
  readonly windowsHash: string;
  /** Machines that have answered in earlier sessions of the run. */
  readonly machines: readonly RecordedMachine[];
  readonly isStopped: () => boolean;
}

export interface AnsweredWindow {
  readonly number: number;
  readonly predictions: readonly Prediction[];
  /** All machines that have answered so far, this window counted. */
  readonly machines: readonly RecordedMachine[];
  /** Who answers, and how fast, for the line of progress. */
  readonly beside: string;
}

/** A run's windows, for a process that answers some of them. */
export interface AnswerableWindows {
  readonly windows: readonly (readonly Sample[])[];
  /** Asks this process's model. `number`: of the window. */
  readonly answer: (number: number) => Promise<readonly Prediction[]>;
}
