/** The highest rate of arrivals that a model holds: find-peak.ts with whole runs, judged as any other. */
import { findPeak } from "../loadgen/find-peak.ts";
import type { RunLog } from "../loadgen/run-log.ts";
import type { LoadGenSettings } from "../loadgen/settings.ts";
import { judge } from "../loadgen/verdict.ts";

/** How exactly the peak is found, and in how many runs at most: seven halvings from a factor of two leave 1 %. */
const peakSearch = { tolerance: 0.05, trials: 14 };

/** Bounds of latency that a trial lasts at least: too much load shows only once the queue is as long as the bound. */
const boundsATrial = 10;

export interface PeakWatcher {
  /** Called after each rate that was tried. */
  readonly onTried?: (queriesPerSecond: number, holds: boolean) => void;
}

/** `run`: at the rate of the settings, where the search begins. null: no rate that was tried held. */
export async function peakOf(
  settings: LoadGenSettings,
  run: (trial: LoadGenSettings) => Promise<RunLog>,
  { onTried }: PeakWatcher = {},
): Promise<number | null> {
  const { queriesPerSecond } = await findPeak(
    async (targetQps) => {
      const { minQueryCount, maxDurationMs } = settings;
      if (maxDurationMs > 0 && (minQueryCount * 1000) / targetQps > maxDurationMs) return null; // too slow to be shown
      const minDurationMs = Math.max(settings.minDurationMs, (boundsATrial * settings.targetLatencyNs) / 1e6);
      const trial: LoadGenSettings = { ...settings, targetQps, minDurationMs, mode: "FindPeakPerformance" };
      const log = await run(trial);
      if (log.end.kind !== "complete" && log.end.kind !== "cut short") return null;
      const { reasons, isLate } = judge(log, trial);
      // A generator that was late only made latencies longer. The run at the rate that is found is judged for that, too.
      const holds = log.end.kind === "complete" && reasons.length === (isLate ? 1 : 0);
      onTried?.(targetQps, holds);
      return holds;
    },
    { ...peakSearch, targetQps: settings.targetQps },
  );
  return queriesPerSecond;
}
