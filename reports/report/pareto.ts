/** The Pareto front of speed and score: the points that no other point beats in one without losing in the other. */
import type { ReportRun } from "./report-data.ts";
import { groupsOf } from "./run-names.ts";

export interface SpeedAndScore {
  /** Both: more is better. */
  readonly speed: number;
  readonly score: number;
}

/** For each candidate, in order. Of equal ones all are on the front. */
export function paretoFront(candidates: readonly SpeedAndScore[]): readonly boolean[] {
  return candidates.map((one) => !candidates.some((other) => dominates(other, one)));
}

function dominates(other: SpeedAndScore, one: SpeedAndScore): boolean {
  const isNoWorse = other.speed >= one.speed && other.score >= one.score;
  return isNoWorse && (other.speed > one.speed || other.score > one.score);
}

/** The runs on the front of their group. Groups of one run have no front to speak of. */
export function frontRuns(runs: readonly ReportRun[]): ReadonlySet<string> {
  return new Set(
    groupsOf(runs)
      .filter((group) => group.length > 1)
      .flatMap((group) => {
        const candidates = group.flatMap(({ id, rows: [row], latency }) => {
          if (latency === null || row?.value === null || row?.value === undefined) return [];
          return [{ id, speed: latency.samplesPerSecond, score: row.value }];
        });
        const isOnFront = paretoFront(candidates);
        return candidates.filter((_, index) => isOnFront[index]).map(({ id }) => id);
      }),
  );
}
