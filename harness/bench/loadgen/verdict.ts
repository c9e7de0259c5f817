/**
 * Whether a run fulfils LoadGen's conditions: VALID, or INVALID with every reason (results.cc). The numbers of an INVALID run
 * are reported too, and marked.
 */
import { boundedEarlyStopping, estimatedEarlyStopping } from "./early-stopping.ts";
import type { EarlyStopping } from "./early-stopping.ts";
import { percentileOf, sorted } from "./distribution.ts";
import { formatDuration } from "./duration.ts";
import { latenciesNs } from "./run-log.ts";
import type { RunLog } from "./run-log.ts";
import type { LoadGenSettings } from "./settings.ts";

export interface RunVerdict {
  readonly validity: "VALID" | "INVALID";
  readonly reasons: readonly string[];
  readonly minDurationMet: boolean;
  readonly minQueriesMet: boolean;
  readonly perfConstraintsMet: boolean;
  /** null: offline, which has none. */
  readonly earlyStopping: EarlyStopping | null;
  readonly overLatency: number;
  /** Server: how late its queries were issued, the 99th percentile; null for the others, whose queries are due when issued. */
  readonly issueDelayNs: number | null;
  /** Whether that is more than may be. Latencies count from the schedule, so they are longer for it, never shorter. */
  readonly isLate: boolean;
}

/** A share of the bound of latency: a run whose queries are issued later than that is INVALID. */
const lateShare = 0.01;

export function judge(log: RunLog, settings: LoadGenSettings): RunVerdict {
  const { scenario, targetLatencyPercentile: percentile, targetLatencyNs } = settings;
  const latencies = sorted(latenciesNs(log));
  const isServer = scenario === "server";
  const overLatency = isServer ? latencies.reduce((over, latency) => over + (latency > targetLatencyNs ? 1 : 0), 0) : 0;
  const open = log.queries.filter(({ completedNs }) => completedNs === null).length;
  const earlyStopping =
    scenario === "offline"
      ? null
      : isServer
        ? boundedEarlyStopping(percentile, log.queries.length, overLatency + open)
        : estimatedEarlyStopping(percentile, latencies);
  const delays = sorted(log.queries.map(({ scheduledNs, issuedNs }) => issuedNs - scheduledNs));
  const issueDelayNs = isServer && delays.length > 0 ? percentileOf(delays, 0.99) : null;
  const isLate = issueDelayNs !== null && issueDelayNs > lateShare * targetLatencyNs;

  const ended = endReason(log);
  const duration = durationReason(log, settings);
  const queries = queriesReason(log, settings);
  const failed = failedReason(log);
  const tooLate = isLate
    ? `queries were issued late: the 99th percentile is ${milliseconds(issueDelayNs)} ms, expected at most 1 % of the bound`
    : null;
  const stopping =
    earlyStopping === null || earlyStopping.met
      ? null
      : `early stopping ${earlyStopping.result}${timeFor(earlyStopping.missing, log)}`;
  const reasons = [ended, failed, duration, queries, stopping, tooLate].filter((reason) => reason !== null);
  return {
    validity: reasons.length === 0 ? "VALID" : "INVALID",
    reasons,
    minDurationMet: duration === null,
    minQueriesMet: queries === null,
    perfConstraintsMet: !isServer || (earlyStopping?.met === true && !isLate),
    earlyStopping,
    overLatency,
    issueDelayNs,
    isLate,
  };
}

function endReason({ end, queries }: RunLog): string | null {
  if (end.kind === "stalled" || end.kind === "gone") return end.reason;
  if (end.kind === "interrupted") return `interrupted after ${queries.length} queries`;
  return null;
}

function failedReason({ queries }: RunLog): string | null {
  const answers = queries.flatMap(({ samples }) => samples.flatMap(({ answer }) => (answer === null ? [] : [answer])));
  const failed = answers.filter(({ text }) => text === null);
  const [first] = failed;
  if (first === undefined) return null;
  return `${failed.length} of ${answers.length} samples failed, the first with: ${first.error ?? "no reason given"}`;
}

/** Offline counts the latency, Server when the last query was due, the others when it was issued. */
function durationReason(log: RunLog, { scenario, minDurationMs }: LoadGenSettings): string | null {
  const last = log.queries.at(-1);
  const reachedNs = last === undefined ? 0 : scenario === "offline" ? (last.completedNs ?? 0) : last.scheduledNs;
  if (reachedNs >= minDurationMs * 1e6) return null;
  const found = formatDuration(reachedNs / 1e6);
  return `minimum duration not reached: ${found}, expected ${formatDuration(minDurationMs)}`;
}

function queriesReason(log: RunLog, { scenario, minQueryCount }: LoadGenSettings): string | null {
  const { queries, wantedSamples } = log;
  if (scenario === "offline") {
    const asked = queries[0]?.samples.length ?? 0;
    const expected = Math.max(minQueryCount, wantedSamples ?? 0);
    if (asked >= expected) return null;
    return `too few samples: ${asked}, expected ${expected}${timeFor(expected, log)}`;
  }
  if (queries.length >= minQueryCount) return null;
  return `too few queries: ${queries.length}, expected ${minQueryCount}${timeFor(minQueryCount, log)}`;
}

/** How long so many queries (offline: samples) would take at the pace of this run; nothing where none was done. */
function timeFor(count: number, { queries, durationNs }: RunLog): string {
  const done =
    queries.length === 1
      ? (queries[0]?.samples.filter(({ completedNs }) => completedNs !== null).length ?? 0)
      : queries.filter(({ completedNs }) => completedNs !== null).length;
  if (done === 0) return "";
  return `; ${count} take about ${formatDuration(((durationNs / 1e6) * count) / done)} at this pace`;
}

function milliseconds(nanoseconds: number): string {
  return (nanoseconds / 1e6).toPrecision(3);
}
