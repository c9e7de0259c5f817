/** The Pareto front of speed and score: the points that no other point beats in one without losing in the other. */
import type { ReportRun } from "./report-data.ts";
import { groupsOf } from "./run-names.ts";

export interface SpeedAndScore {
  /** Speed and score; for both, more is better. */
  readonly speed: number;
  readonly score: number;
}

/** Whether each candidate is on the front. Of equal candidates all are. */
export function paretoFront(candidates: readonly SpeedAndScore[]): readonly boolean[] {
  return candidates.map((one) => !candidates.some((other) => dominates(other, one)));
}

function dominates(other: SpeedAndScore, one: SpeedAndScore): boolean {
  const isNoWorse = other.speed >= one.speed && other.score >= one.score;
  return isNoWorse && (other.speed > one.speed || other.score > one.score);
}

/** Ids of the runs on the front of their group; groups of a single run are left out. */
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
