/** The highest rate of arrivals that a model holds: find-peak.ts with whole runs, judged as any other. */
import { findPeak } from "../loadgen/find-peak.ts";
import type { RunLog } from "../loadgen/run-log.ts";
import type { LoadGenSettings } from "../loadgen/settings.ts";
import { judge } from "../loadgen/verdict.ts";

/** How exactly the peak is found, and in how many runs at most: seven halvings from a factor of two leave 1 %. */
const peakSearch = { tolerance: 0.05, trials: 14 };

/** `run`: at the rate of the settings. null: no rate that was tried held. */
export async function peakOf(
  settings: LoadGenSettings,
  run: (trial: LoadGenSettings) => Promise<RunLog>,
): Promise<number | null> {
  const { queriesPerSecond } = await findPeak(
    async (targetQps) => {
      const { minQueryCount, maxDurationMs } = settings;
      if (maxDurationMs > 0 && (minQueryCount * 1000) / targetQps > maxDurationMs) return null; // too slow to be shown
      const trial: LoadGenSettings = { ...settings, targetQps, mode: "FindPeakPerformance" };
      const log = await run(trial);
      if (log.end.kind !== "complete" && log.end.kind !== "cut short") return null;
      const { validity, earlyStopping, perfConstraintsMet } = judge(log, trial);
      const isOursToBlame = earlyStopping?.met === true && !perfConstraintsMet;
      if (isOursToBlame) return null; // the generator was late: a lower rate would not mend that
      return log.end.kind === "complete" && validity === "VALID";
    },
    { ...peakSearch, targetQps: settings.targetQps },
  );
  return queriesPerSecond;
}
