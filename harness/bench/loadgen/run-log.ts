/** What a run of the generator gives: every query with its times, and how the run ended. Judged in verdict.ts. */
import type { SampleAnswer } from "./system-under-test.ts";

export interface SampleRecord {
  readonly id: number;
  readonly index: number;
  /** null: no answer came. */
  answer: SampleAnswer | null;
  completedNs: number | null;
}

/** Nanoseconds from the start of the run. */
export interface QueryRecord {
  readonly scheduledNs: number;
  readonly issuedNs: number;
  readonly samples: readonly SampleRecord[];
  /** When its last sample was answered; null: never. */
  completedNs: number | null;
}

/**
 * `complete`: as many queries as the settings ask for. `cut short`: a maximum was hit before that. `stalled`: no answer for
 * too long. `gone`: the system under test ended. `interrupted`: by the user.
 */
export type RunEnd =
  | { readonly kind: "complete" | "cut short" | "interrupted" }
  | { readonly kind: "stalled" | "gone"; readonly reason: string };

export interface RunLog {
  readonly queries: readonly QueryRecord[];
  readonly end: RunEnd;
  /** From the start to the end of the run. */
  readonly durationNs: number;
  /** Offline: samples that would have filled the minimum; more than were asked where a maximum stood against it. */
  readonly wantedSamples: number | null;
}

/** Of the queries that came to an end: from the scheduled time to the last answer. */
export function latenciesNs({ queries }: RunLog): readonly number[] {
  return queries.flatMap(({ scheduledNs, completedNs }) => (completedNs === null ? [] : [completedNs - scheduledNs]));
}

/** Latency of each sample, in nanoseconds. */
export function sampleLatenciesNs({ queries }: RunLog): readonly number[] {
  return queries.flatMap(({ scheduledNs, samples }) =>
    samples.flatMap(({ completedNs }) => (completedNs === null ? [] : [completedNs - scheduledNs])),
  );
}
